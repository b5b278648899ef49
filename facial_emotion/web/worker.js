// The engine in a thread of its own, so that the page goes on painting. Messages: {id, do, ...} in, {id, ...} out.

import * as ort from "./vendor/ort.wasm.min.mjs";
import { Engine } from "./engine.js";
import { take } from "./pixels.js";

ort.env.wasm.wasmPaths = new URL("./vendor/", import.meta.url).href;
// Threads need an isolated page, and two on two cores are slower than one.
ort.env.wasm.numThreads = globalThis.crossOriginIsolated && navigator.hardwareConcurrency >= 4 ? 2 : 1;
ort.env.logLevel = "error";

let engine;

// The bytes of a model; its progress is told as shares of its size.
async function fetchModel(name) {
  const response = await fetch(new URL(`./models/${name}.onnx`, import.meta.url));
  if (!response.ok) throw new Error(`models/${name}.onnx: ${response.status} ${response.statusText}`);
  const size = engine.settings.sizes[name];
  const bytes = new Uint8Array(size);
  let done = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done: ended, value } = await reader.read();
    if (ended) break;
    if (done + value.length > size) throw new Error(`models/${name}.onnx: expected ${size} bytes, found more`);
    bytes.set(value, done);
    done += value.length;
    postMessage({ progress: done / size });
  }
  if (done !== size) throw new Error(`models/${name}.onnx: expected ${size} bytes, found ${done}`);
  return bytes;
}

const TASKS = {
  async load({ settings, model }) {
    engine ??= new Engine(ort, settings, fetchModel);
    await engine.load(model);
    return {};
  },
  async frame({ image, now }) {
    return { faces: await engine.frame(await take(image), now) };
  },
  async picture({ image }) {
    return { faces: await engine.picture(await take(image)) };
  },
  async restart() {
    engine.restart();
    return {};
  },
  // For tests: what the stages give for the boxes and crops of another implementation.
  async crops({ image, faces }) {
    const picture = await take(image);
    return { crops: faces.map((face) => engine.crop(picture, face)) };
  },
  async probabilities({ crops }) {
    return { probabilities: await engine.classify(crops) };
  },
};

// One task after the other, in the order in which they were sent.
let queue = Promise.resolve();
onmessage = ({ data }) => {
  queue = queue.then(async () => {
    try {
      postMessage({ id: data.id, ...(await TASKS[data.do](data)) });
    } catch (error) {
      postMessage({ id: data.id, error: String(error?.message ?? error) });
    }
  });
};
