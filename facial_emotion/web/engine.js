// From a frame to labelled faces: detection, crop, network, tracking. It knows no page.

import { cropTransform, cutCrop, isVisible, SIDE } from "./crops.js";
import { findFaces } from "./faces.js";
import { softmax, Stream } from "./stream.js";

const EVERY = 3; // frames from one detection to the next while faces are followed between them
const SCENE = 24; // rows and columns of the thumbnail by which cuts are noticed

// Recognition in pictures and video. settings: settings.json; fetchModel: name -> bytes of a network.
export class Engine {
  constructor(ort, settings, fetchModel) {
    Object.assign(this, { ort, settings, fetchModel, networks: new Map() });
    this.restart();
  }

  // Forget the faces of a video.
  restart() {
    this.stream = new Stream(this.settings.stream);
    this.frames = 0;
    this.before = null; // the small grey picture of the frame before, and its time
  }

  // Load a model and, the first time, the detector, and run both once.
  async load(name) {
    const own = this.settings.models[name];
    // In wasm, 8-bit convolutions of the detector are slower than the same in single precision; the networks' are not.
    await this.session("detector", { extra: { session: { disable_quant_qdq: "1" } } });
    for (const member of own.members) await this.session(member.file, {});
    this.model = own;
    const [width, height] = this.settings.frame;
    await this.find({ rgba: new Uint8Array(width * height * 4), width, height });
    await this.classify([new Uint8Array(SIDE * SIDE)]);
  }

  async session(file, options) {
    if (!this.networks.has(file)) {
      const bytes = await this.fetchModel(file);
      const wanted = { executionProviders: ["wasm"], graphOptimizationLevel: "all", ...options };
      this.networks.set(file, await this.ort.InferenceSession.create(bytes, wanted));
    }
    return this.networks.get(file);
  }

  // The faces of a picture, with crops. minFace: pixels, by default of video.
  async find(picture, minFace = null) {
    const own = this.settings.detector;
    const video = Math.max(own.smallest, (own.video_min_face * Math.max(picture.width, picture.height)) / 640);
    const faces = await findFaces(this.ort, this.networks.get("detector"), picture, own, minFace ?? video);
    for (const face of faces) face.crop = this.crop(picture, face);
    return faces;
  }

  crop(picture, face) {
    const { framing } = this.settings;
    return cutCrop(picture, cropTransform(face, framing), framing.max_oversampling);
  }

  // Probabilities of crops, an array of seven for each.
  async classify(crops) {
    if (!crops.length) return [];
    const batch = new Uint8Array(crops.length * SIDE * SIDE);
    crops.forEach((crop, index) => batch.set(crop, index * SIDE * SIDE));
    const sums = crops.map(() => [...this.model.offsets]);
    for (const { file, output, weight } of this.model.members) {
      const input = new this.ort.Tensor("uint8", batch, [crops.length, SIDE, SIDE]);
      const outputs = await this.networks.get(file).run({ crops: input }, [output]);
      const values = outputs[output].data;
      sums.forEach((sum, row) => sum.forEach((_, column) => {
        sum[column] += weight * Math.log(Math.max(values[7 * row + column], 1e-6));
      }));
      for (const tensor of [input, ...Object.values(outputs)]) tensor.dispose();
    }
    return sums.map(softmax);
  }

  // The labelled faces of a picture.
  async picture(picture) {
    const { width, height } = picture;
    // As features/faces.py: 3 % of the longer side or, in panoramas, a tenth of the shorter one.
    const wanted = Math.min(0.03 * Math.max(width, height), 0.1 * Math.min(width, height));
    const minFace = Math.max(this.settings.detector.smallest, wanted);
    const faces = await this.find(picture, minFace);
    const probabilities = await this.classify(faces.map(({ crop }) => crop));
    return faces.map((face, index) => this.labelled({
      ...face,
      number: index + 1,
      probabilities: probabilities[index],
      emotion: probabilities[index].indexOf(Math.max(...probabilities[index])),
    }, face.crop));
  }

  // The labelled faces of the next frame of a video, at a time in seconds.
  async frame(picture, now) {
    const small = this.small(picture);
    const { before } = this;
    const alike = before && before.width === small.width && before.height === small.height;
    const followed = alike && this.frames % EVERY !== 0 && this.stream.follow(before, small, before.now, now);
    let tracks = this.stream.visible(now);
    if (followed) {
      for (const track of tracks) {
        const crop = this.crop(picture, track);
        if (this.stream.looksSame(track.crop, crop)) track.crop = crop;
        else this.frames = -1; // detect in the next frame: it may be another face
      }
    } else {
      tracks = this.stream.associate(await this.find(picture), thumbnail(small), now);
      this.frames = 0;
    }
    this.frames++;
    this.before = { ...small, now };
    const probabilities = await this.classify(tracks.map(({ crop }) => crop));
    return tracks.map((track, index) =>
      this.labelled(this.stream.smooth(track, probabilities[index], now), track.crop));
  }

  labelled(face, crop) {
    const confident = Math.max(...face.probabilities) >= this.model.threshold;
    const { number, box, score, probabilities, emotion } = face;
    const certain = confident && isVisible(crop, this.settings.visible);
    return { number, box, score, probabilities, emotion, certain };
  }

  // A small grey picture of a frame, by which faces are followed: every few pixels one.
  small({ rgba, width: wide, height: high }) {
    const step = Math.max(1, Math.round(Math.max(wide, high) / this.settings.detector.follow));
    const [width, height] = [Math.floor(wide / step), Math.floor(high / step)];
    const values = new Uint8Array(width * height);
    for (let row = 0, to = 0; row < height; row++) {
      let at = (row * wide * step + Math.floor(step / 2)) * 4 + 1; // green
      for (let column = 0; column < width; column++, to++, at += 4 * step) values[to] = rgba[at];
    }
    return { grey: values, width, height, scale: 1 / step };
  }
}

function thumbnail({ grey, width, height }) {
  return Uint8Array.from({ length: SCENE * SCENE }, (_, index) => {
    const [x, y] = [index % SCENE, Math.floor(index / SCENE)];
    return grey[Math.floor((y * height) / SCENE) * width + Math.floor((x * width) / SCENE)];
  });
}
