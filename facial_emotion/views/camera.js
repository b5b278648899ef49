// Whether this browser can use a camera here: "insecure", "none", "denied" or "ready".
export default function({ setStateValue }) {
    const look = async () => {
        if (!navigator.mediaDevices) return 'insecure'
        const devices = await navigator.mediaDevices.enumerateDevices()
        if (!devices.some(device => device.kind === 'videoinput')) return 'none'
        const permission = await navigator.permissions?.query({ name: 'camera' }).catch(() => null)
        return permission?.state === 'denied' ? 'denied' : 'ready'
    }
    const tell = () => look().then(state => setStateValue('state', state))
    tell()
    navigator.mediaDevices?.addEventListener('devicechange', tell)
    return () => navigator.mediaDevices?.removeEventListener('devicechange', tell)
}
