// The worker as functions that return promises.

export class Recognizer {
  // settings: settings.json; onProgress: (share) -> of a model that is being loaded.
  constructor(settings, onProgress = () => {}) {
    this.settings = settings;
    this.waiting = new Map();
    this.last = 0;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => {
      if (data.id === undefined) {
        onProgress(data.progress);
        return;
      }
      const asked = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) asked?.reject(new Error(data.error));
      else asked?.resolve(data);
    };
    this.worker.onerror = (event) => {
      this.failed = new Error(event.message || "the worker can't be started");
      for (const { reject } of this.waiting.values()) reject(this.failed);
      this.waiting.clear();
    };
  }

  ask(task, values = {}, transfer = []) {
    if (this.failed) return Promise.reject(this.failed);
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, do: task, ...values }, transfer);
    });
  }

  load(model) {
    return this.ask("load", { settings: this.settings, model });
  }

  restart() {
    return this.ask("restart");
  }

  // The faces of a frame at a time in seconds; the image is the worker's from then on.
  frame(image, now) {
    return this.ask("frame", { image, now }, [image]);
  }

  picture(image) {
    return this.ask("picture", { image }, [image]);
  }
}
