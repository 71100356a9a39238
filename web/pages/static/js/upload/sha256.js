// SHA-256 (FIPS 180-4). The browser's own where there is one; it is withheld from pages that come over plain HTTP
// from another machine, and there this one takes its place.

const ROUNDS = constants();
const FIRST = new Uint32Array(8);
for (let i = 0, prime = 2; i < 8; prime += 1) {
  if (isPrime(prime)) FIRST[i++] = fraction(Math.sqrt(prime));
}

/** The digest of an ArrayBuffer in 64 hexadecimal digits. */
export async function sha256(buffer) {
  if (!globalThis.crypto?.subtle) return sha256Here(new Uint8Array(buffer));
  return hex(new DataView(await crypto.subtle.digest("SHA-256", buffer)));
}

/** The same of a Uint8Array, computed here. */
export function sha256Here(bytes) {
  const state = FIRST.slice();
  const words = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = 0; offset < whole; offset += 64) block(state, words, view, offset);
  const end = ending(bytes, whole);
  for (let offset = 0; offset < end.byteLength; offset += 64) block(state, words, end, offset);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, place) => digest.setUint32(place * 4, word));
  return hex(digest);
}

/** What follows the last whole block: the rest, a one bit, zeros, and the length in bits. */
function ending(bytes, whole) {
  const rest = bytes.length - whole;
  const padded = new Uint8Array(rest < 56 ? 64 : 128);
  padded.set(bytes.subarray(whole));
  padded[rest] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  return view;
}

function block(state, w, view, offset) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(offset + i * 4);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  const added = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < 8; i += 1) state[i] += added[i];
}

function constants() {
  const found = new Uint32Array(64);
  for (let i = 0, prime = 2; i < 64; prime += 1) {
    if (isPrime(prime)) found[i++] = fraction(Math.cbrt(prime));
  }
  return found;
}

function isPrime(number) {
  for (let factor = 2; factor * factor <= number; factor += 1) if (number % factor === 0) return false;
  return true;
}

/** The first 32 bits of the fractional part. */
function fraction(number) {
  return ((number - Math.floor(number)) * 2 ** 32) >>> 0;
}

function hex(view) {
  let text = "";
  for (let place = 0; place < 32; place += 4) text += view.getUint32(place).toString(16).padStart(8, "0");
  return text;
}
