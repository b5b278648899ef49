// What the page does in the browser beside Streamlit: pasted pictures, files that are too large, the Back button, and
// the cookie by which a reload finds what was given.
const told = { large: false }

export default function({ data, setStateValue, setTriggerValue }) {
    const { name, value, seconds } = data.cookie
    document.cookie = `${name}=${value}; path=/; max-age=${seconds}; SameSite=Strict`
    const onPaste = event => {
        if (event.target.closest?.('input, textarea')) return
        const file = [...event.clipboardData.files].find(file => file.type.startsWith('image/'))
        if (!file) return
        const reader = new FileReader()
        reader.onload = () => setTriggerValue('picture', reader.result.split(',')[1])
        reader.readAsDataURL(file)
    }
    const onFiles = event => {
        const files = event.dataTransfer?.files ?? event.target?.files
        if (!files?.length) return
        const large = [...files].filter(file => file.size > data.limit).map(file => [file.name, file.size])
        // It makes the page run again, which loses files that are being sent: only where it must, and after them.
        const wait = files.length > large.length ? 3000 : 0
        if (large.length || told.large) setTimeout(() => setStateValue('large', large), wait)
        told.large = large.length > 0
    }
    const listeners = { paste: onPaste, drop: onFiles, change: onFiles }
    for (const [kind, listener] of Object.entries(listeners)) window.addEventListener(kind, listener, true)
    // A setting changes the page's address, but is no page of its own: Back goes to the page before.
    if (!history.pagesAlone) {
        history.pagesAlone = true
        const push = history.pushState
        history.pushState = function(state, title, url) {
            const same = new URL(url ?? '', location.href).pathname === location.pathname
            return same ? history.replaceState(state, title, url) : push.call(history, state, title, url)
        }
    }
    return () => {
        for (const [kind, listener] of Object.entries(listeners)) window.removeEventListener(kind, listener, true)
    }
}
