// face-api's expression network, fed crops and asked for pictures by its own API. Run by peers.py, in an environment
// of its own: node peer_face_api.cjs crops.npy pictures.npy answers.json
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

const EMOTIONS = ["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"]; // in FER2013's order
const area = (face) => face.detection.box.width * face.detection.box.height;

// The answers about the grey pictures of a .npy of uint8 (n, height, width), and the median time of one.
async function ask(tf, answer, file) {
  const bytes = fs.readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const [count, height, width] = /\((\d+), (\d+), (\d+)\)/.exec(bytes.toString("latin1", 10, start)).slice(1).map(Number);
  const probabilities = [];
  const spent = [];
  for (let index = 0; index < count; index += 1) {
    const from = start + index * height * width;
    const began = performance.now();
    const grey = tf.tensor3d(bytes.subarray(from, from + height * width), [height, width, 1], "int32");
    const picture = tf.tile(grey, [1, 1, 3]);
    const expressions = await answer(picture);
    spent.push(performance.now() - began);
    probabilities.push(expressions && EMOTIONS.map((emotion) => expressions[emotion]));
    tf.dispose([grey, picture]);
  }
  spent.sort((one, other) => one - other);
  return { median_ms: spent[spent.length >> 1], probabilities };
}

async function main(crops, pictures, answers) {
  const installed = createRequire(path.join(process.cwd(), "package.json"));
  const tf = installed("@tensorflow/tfjs");
  const wasm = installed("@tensorflow/tfjs-backend-wasm");
  const faceapi = installed("@vladmandic/face-api/dist/face-api.node-wasm.js");
  wasm.setWasmPaths(path.join(path.dirname(installed.resolve("@tensorflow/tfjs-backend-wasm")), path.sep));
  await tf.setBackend("wasm");
  const models = path.join(path.dirname(installed.resolve("@vladmandic/face-api/package.json")), "model");
  const { ssdMobilenetv1, faceLandmark68Net, faceExpressionNet } = faceapi.nets;
  for (const net of [ssdMobilenetv1, faceLandmark68Net, faceExpressionNet]) await net.loadFromDisk(models);
  const largest = async (picture) => {
    const faces = await faceapi.detectAllFaces(picture).withFaceLandmarks().withFaceExpressions();
    faces.sort((one, other) => area(other) - area(one));
    return faces.length ? faces[0].expressions : null;
  };
  const { version } = installed("@vladmandic/face-api/package.json");
  const ways = {
    crops: await ask(tf, (crop) => faceExpressionNet.predictExpressions(crop), crops),
    pictures: await ask(tf, largest, pictures),
  };
  fs.writeFileSync(answers, JSON.stringify({ version, model: "face_expression_model", ...ways }));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error.message.split("\n")[0]); // the last line is what the caller shows
  process.exit(1);
});
