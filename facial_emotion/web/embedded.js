// The page in a frame of the app, as a component of Streamlit: the app says language, model and theme, and gets the rows
// of what was seen where the visitor hands them over. The app has the page's own origin; no other page gets anything.

export const embedded = isEmbedded();

function isEmbedded() {
  try {
    return window.parent !== window && window.parent.location.origin === window.location.origin;
  } catch {
    return false; // in a frame of another origin
  }
}

function tell(type, values = {}) {
  window.parent.postMessage({ isStreamlitMessage: true, type: `streamlit:${type}`, ...values }, window.location.origin);
}

// onArguments: ({language, model, theme}) -> of the app, at first and whenever they change.
export function attach(onArguments) {
  document.body.classList.add("embedded");
  window.addEventListener("message", ({ data, source }) => {
    if (source !== window.parent || data?.type !== "streamlit:render") return;
    onArguments({ ...data.args, theme: data.theme?.base ?? "light" });
  });
  tell("componentReady", { apiVersion: 1 });
  new ResizeObserver(() => tell("setFrameHeight", { height: document.body.scrollHeight })).observe(document.body);
}

export function handOver(value) {
  tell("setComponentValue", { value, dataType: "json" });
}
