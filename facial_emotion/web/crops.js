// Crops of faces, framed as FER2013's are: the steps of features/crops.py and features/visibility.py.

import { areas, grey } from "./pixels.js";

export const SIDE = 48; // pixels of a crop

// The similarity transform [a, b, x, c, d, y] from pixels of the picture to those of the crop.
// framing: of settings.json: a detector's place in crop_calibration.json, the mean places of the points in a crop, and
// the constants of features/crops.py.
export function cropTransform({ box, points }, framing) {
  const centre = [(box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2];
  const size = Math.sqrt((box[2] - box[0]) * (box[3] - box[1]));
  const tilt = tiltOf(points, framing.points_in_crop);
  const angle = -Math.sign(tilt) * Math.max(Math.abs(tilt) - (framing.natural_tilt * Math.PI) / 180, 0);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const turn = ([x, y]) => [cosine * x - sine * y, sine * x + cosine * y];
  const shape = points.flatMap(([x, y]) => turn([x - centre[0], y - centre[1]])).map((value) => value / size);
  const [logSize, right, down] = place(shape, framing.box, framing.shape_limit);
  const scale = (SIDE * Math.exp(logSize)) / size;
  const [x, y] = turn(centre);
  return [
    ...[scale * cosine, -scale * sine, SIDE * (0.5 + right) - 0.5 - scale * x],
    ...[scale * sine, scale * cosine, SIDE * (0.5 + down) - 0.5 - scale * y],
  ];
}

// The logarithm of a box's size in its crop, and its centre from the crop's centre, in crop widths.
function place(shape, { left, top, side, by_shape: { mean, weights, deviation } }, most) {
  const usual = [Math.log(side), left + side / 2 - 0.5, top + side / 2 - 0.5];
  return usual.map((value, column) => {
    const change = shape.reduce((sum, own, row) => sum + (own - mean[row]) * weights[row][column], 0);
    const limit = most * deviation[column];
    return value + Math.min(limit, Math.max(-limit, change));
  });
}

function tiltOf(points, upright) {
  const centred = (list) => {
    const mean = [0, 1].map((axis) => list.reduce((sum, point) => sum + point[axis], 0) / list.length);
    return list.map(([x, y]) => [x - mean[0], y - mean[1]]);
  };
  const [own, wanted] = [centred(points), centred(upright)];
  let [cosine, sine] = [0, 0];
  own.forEach(([x, y], index) => {
    cosine += x * wanted[index][0] + y * wanted[index][1];
    sine += y * wanted[index][0] - x * wanted[index][1];
  });
  return Math.atan2(sine, cosine);
}

// The crop, Uint8Array of 48 x 48 grey values, that a transform cuts from a picture as of pixels.js. oversampling: at
// most, of a crop that is warped; larger faces are shrunk first.
export function cutCrop(picture, transform, oversampling) {
  const { width, height } = picture;
  const [a, b, x, c, d, y] = transform;
  const determinant = a * d - b * c;
  const toPicture = (u, v) => [(d * (u - x) - b * (v - y)) / determinant, (a * (v - y) - c * (u - x)) / determinant];
  const corners = [toPicture(-1, -1), toPicture(SIDE, -1), toPicture(-1, SIDE), toPicture(SIDE, SIDE)];
  const low = [0, 1].map((axis) => {
    const edge = Math.floor(Math.min(...corners.map((corner) => corner[axis]))) - 2;
    return Math.min((axis ? height : width) - 1, Math.max(0, edge));
  });
  const high = [0, 1].map((axis) => {
    const edge = Math.ceil(Math.max(...corners.map((corner) => corner[axis]))) + 3;
    return Math.min(axis ? height : width, Math.max(low[axis] + 1, edge));
  });
  let [wide, tall] = [high[0] - low[0], high[1] - low[1]];
  let values = grey(picture, ...low, wide, tall);
  const matrix = [a, b, x + a * low[0] + b * low[1], c, d, y + c * low[0] + d * low[1]];
  const shrink = 1 / Math.hypot(a, c) / oversampling;
  if (shrink > 1) {
    const size = [wide, tall].map((side) => Math.max(1, Math.round(side / shrink)));
    const ratio = [wide / size[0], tall / size[1]];
    values = averaged(values, wide, tall, ...size);
    for (const row of [0, 3]) {
      matrix[row + 2] += (matrix[row] * (ratio[0] - 1)) / 2 + (matrix[row + 1] * (ratio[1] - 1)) / 2;
      matrix[row] *= ratio[0];
      matrix[row + 1] *= ratio[1];
    }
    [wide, tall] = size;
  }
  const factor = Math.min(oversampling, Math.max(1, Math.ceil(1 / Math.hypot(matrix[0], matrix[3]))));
  const larger = matrix.map((value, index) => value * factor + (index % 3 === 2 ? (factor - 1) / 2 : 0));
  const side = SIDE * factor;
  const warped = warp(values, wide, tall, larger, side, factor === 1 ? cubic : linear);
  return factor === 1 ? warped : averaged(warped, side, side, SIDE, SIDE);
}

// A picture of another, smaller size, each pixel the mean of what it covers.
function averaged(values, width, height, newWidth, newHeight) {
  const [columns, rows] = [areas(width, newWidth), areas(height, newHeight)];
  const narrow = new Float32Array(height * newWidth);
  for (let row = 0; row < height; row++) {
    columns.forEach(({ first, weights }, column) => {
      let sum = 0;
      weights.forEach((weight, index) => (sum += weight * values[row * width + first + index]));
      narrow[row * newWidth + column] = sum;
    });
  }
  const result = new Uint8Array(newHeight * newWidth);
  rows.forEach(({ first, weights }, row) => {
    for (let column = 0; column < newWidth; column++) {
      let sum = 0;
      weights.forEach((weight, index) => (sum += weight * narrow[(first + index) * newWidth + column]));
      result[row * newWidth + column] = Math.round(sum);
    }
  });
  return result;
}

// A square picture of grey values, warped by a transform from the old pixels to the new ones; edges are replicated.
function warp(values, width, height, [a, b, x, c, d, y], side, interpolate) {
  const determinant = a * d - b * c;
  const result = new Uint8Array(side * side);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const [u, v] = [column - x, row - y];
      const [oldX, oldY] = [(d * u - b * v) / determinant, (a * v - c * u) / determinant];
      result[row * side + column] = interpolate(values, width, height, oldX, oldY);
    }
  }
  return result;
}

function linear(values, width, height, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - left, y - top];
  const x0 = Math.min(width - 1, Math.max(0, left));
  const x1 = Math.min(width - 1, Math.max(0, left + 1));
  const y0 = Math.min(height - 1, Math.max(0, top)) * width;
  const y1 = Math.min(height - 1, Math.max(0, top + 1)) * width;
  const upper = values[y0 + x0] + (values[y0 + x1] - values[y0 + x0]) * right;
  const lower = values[y1 + x0] + (values[y1 + x1] - values[y1 + x0]) * right;
  return Math.round(upper + (lower - upper) * down);
}

function cubic(values, width, height, x, y) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [kernel(x - left), kernel(y - top)];
  let sum = 0;
  for (let row = 0; row < 4; row++) {
    const line = Math.min(height - 1, Math.max(0, top - 1 + row)) * width;
    for (let column = 0; column < 4; column++) {
      const pixel = values[line + Math.min(width - 1, Math.max(0, left - 1 + column))];
      sum += down[row] * across[column] * pixel;
    }
  }
  return Math.min(255, Math.max(0, Math.round(sum)));
}

// The weights of four pixels, OpenCV's cubic with a = -0.75.
function kernel(t) {
  const near = (s) => (1.25 * s - 2.25) * s * s + 1;
  const far = (s) => ((-0.75 * s + 3.75) * s - 6) * s + 3;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

// Whether a crop shows enough of a face. least: {contrast, face, mouth}.
export function isVisible(crop, least) {
  const mean = crop.reduce((sum, value) => sum + value, 0) / crop.length;
  const contrast = Math.sqrt(crop.reduce((sum, value) => sum + (value - mean) ** 2, 0) / crop.length);
  if (contrast < least.contrast) return false;
  const smooth = smoothed(crop);
  const detail = (rows, columns) => {
    let sum = 0;
    for (let row = rows[0]; row < rows[1]; row++) {
      for (let column = columns[0]; column < columns[1]; column++) {
        const at = row * SIDE + column;
        const around = smooth[at - 1] + smooth[at + 1] + smooth[at - SIDE] + smooth[at + SIDE];
        sum += (around - 4 * smooth[at]) ** 2;
      }
    }
    return Math.sqrt(sum / (rows[1] - rows[0]) / (columns[1] - columns[0])) / contrast;
  };
  return detail([6, 42], [6, 42]) >= least.face && detail([30, 42], [12, 36]) >= least.mouth;
}

// A crop smoothed by a Gaussian of 0.8 pixels.
function smoothed(crop) {
  const weights = [-3, -2, -1, 0, 1, 2, 3].map((offset) => Math.exp(-(offset ** 2) / 2 / 0.64));
  const total = weights.reduce((sum, weight) => sum + weight);
  const mirrored = (index) => (index < 0 ? -index : index >= SIDE ? 2 * SIDE - 2 - index : index);
  const along = (values, step) =>
    Float32Array.from(values, (_, at) => {
      const index = Math.floor(at / step) % SIDE;
      const start = at - index * step;
      return weights.reduce((sum, weight, k) => sum + weight * values[start + mirrored(index + k - 3) * step], 0) / total;
    });
  return along(along(Float32Array.from(crop), 1), SIDE);
}
