// What was recognised: a row for each face of each frame, kept as numbers in one array, so that an hour takes no more
// than some megabytes.

const NUMBERS = 16; // of a row: seconds, face, box, detection, seven probabilities, emotion, certain
const COLUMNS = NUMBERS + 1; // and the model, by its place in a list

export class Rows {
  // most: rows that are kept; of more the older half goes.
  constructor(most) {
    this.most = most;
    this.values = new Float64Array(most * COLUMNS); // memory that is not written to yet costs nothing
    this.models = [];
    this.length = 0;
  }

  clear() {
    this.length = 0;
  }

  // numbers: as above; model: its name.
  add(numbers, model) {
    if (this.length === this.most) {
      const half = Math.floor(this.most / 2);
      this.values.copyWithin(0, half * COLUMNS, this.length * COLUMNS);
      this.length -= half;
    }
    if (!this.models.includes(model)) this.models.push(model);
    this.values.set([...numbers, this.models.indexOf(model)], this.length * COLUMNS);
    this.length++;
  }

  // A row as a list: the numbers, certain as true or false, and the model's name.
  at(index) {
    const row = index < 0 ? this.length + index : index;
    if (row < 0 || row >= this.length) return undefined;
    const values = Array.from(this.values.subarray(row * COLUMNS, (row + 1) * COLUMNS));
    return [...values.slice(0, NUMBERS - 1), Boolean(values[NUMBERS - 1]), this.models[values[NUMBERS]]];
  }

  *[Symbol.iterator]() {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}
