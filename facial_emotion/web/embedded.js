// The page in a frame of the app, as a component of Streamlit: the app says language and model, and gets the rows of
// what was seen where the visitor hands them over.

const tell = (type, values = {}) =>
  window.parent.postMessage({ isStreamlitMessage: true, type: `streamlit:${type}`, ...values }, "*");

export const embedded = window.parent !== window;

// onArguments: ({language, model}) -> of the app, at first and whenever they change.
export function attach(onArguments) {
  window.addEventListener("message", ({ data, source }) => {
    if (source === window.parent && data?.type === "streamlit:render") onArguments(data.args);
  });
  tell("componentReady", { apiVersion: 1 });
  new ResizeObserver(() => tell("setFrameHeight", { height: document.body.scrollHeight })).observe(document.body);
}

export function handOver(value) {
  tell("setComponentValue", { value, dataType: "json" });
}
