"use strict";
// Arrays, as explorer.py packs them.
const TYPES = {u1: Uint8Array, u2: Uint16Array, i2: Int16Array, f4: Float32Array};
const half = (bits) => { // sign, 5 bits of exponent, 10 of fraction
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
  return bits & 0x8000 ? -size : size;
};
const HALVES = Float32Array.from({length: 1 << 16}, (_, bits) => half(bits));
const unpack = async (packed) => {
  const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const found = {};
  for (const [name, [type, shape, start]] of Object.entries(packed.arrays)) {
    const size = shape.reduce((product, each) => product * each, 1);
    const end = start + size * Number(type[1]);
    const numbers = new (TYPES[type] ?? Uint16Array)(buffer.slice(start, end));
    found[name] = type === "f2" ? Float32Array.from(numbers, (bits) => HALVES[bits]) : numbers;
  }
  return found;
};

// The decoder: dense layers with ELU between them, sigmoid at the end.
const decode = (arrays, point) => {
  let values = Float32Array.from(point);
  const layers = Object.keys(arrays).filter((name) => /^decoder\..*\.weight$/.test(name));
  for (const [number, name] of layers.sort().entries()) {
    const weight = arrays[name], bias = arrays[name.replace("weight", "bias")];
    const last = number === layers.length - 1;
    values = bias.map((start, to) => {
      let sum = start;
      for (let from = 0, at = to * values.length; from < values.length; from++, at++) {
        sum += weight[at] * values[from];
      }
      if (last) return 1 / (1 + Math.exp(-sum));
      return sum > 0 ? sum : Math.expm1(sum);
    });
  }
  return values.map((value) => 255 * value);
};
