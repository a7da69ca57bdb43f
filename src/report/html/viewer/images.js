// From the packed pixels of a section to HU, and from HU to the pixels of a canvas.

const MISSING = -32768;
const AIR = -1024;

/** The HU of a section: a promise of an Int16Array; unpacked once. */
function pixelsOf(section) {
  section.unpacked ??= inflate(section.pixels).then((bytes) => predict(bytes, section.size));
  return section.unpacked;
}

async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Adds what the predictor expects to what it left over: low bytes first, then high ones. */
function predict(bytes, [width, height]) {
  const count = width * height;
  const hu = new Int16Array(count);
  for (let n = 0; n < count; n++) {
    const folded = bytes[n] | (bytes[count + n] << 8);
    const rest = (folded >> 1) ^ -(folded & 1);
    hu[n] = expected(hu, n, width) + rest;
  }
  return hu;
}

function expected(hu, n, width) {
  const column = n % width;
  if (n < width) return column ? hu[n - 1] : 0;
  const above = hu[n - width];
  if (!column) return above;
  const left = hu[n - 1];
  const corner = hu[n - width - 1];
  const low = Math.min(left, above);
  const high = Math.max(left, above);
  if (corner >= high) return low;
  return corner <= low ? high : left + above - corner;
}

/** Where each canvas pixel lies among the section's, and how its four neighbours weigh (Catmull-Rom). */
function taps(count, size, origin, spacing, half, mirrored) {
  const at = [];
  for (let n = 0; n < count; n++) {
    const mm = (((n + 0.5) / count) * 2 - 1) * half * (mirrored ? -1 : 1);
    const u = (mm - origin) / spacing;
    if (u < -0.5 || u > size - 0.5) {
      at.push(null);
      continue;
    }
    const first = Math.floor(u);
    const t = u - first;
    const weights = [
      ((-t + 2) * t - 1) * t * 0.5,
      ((3 * t - 5) * t * t + 2) * 0.5,
      ((-3 * t + 4) * t + 1) * t * 0.5,
      (t - 1) * t * t * 0.5,
    ];
    const indices = [-1, 0, 1, 2].map((step) => Math.min(Math.max(first + step, 0), size - 1));
    at.push({ indices, weights });
  }
  return at;
}

/** HU under each pixel of a square canvas: interpolated before any window, or the window's corners would show. */
function enlarge(hu, section, side, half, mirrored) {
  const [width, height] = section.size;
  const across = taps(side, width, section.origin[0], section.spacing[0], half, mirrored);
  const down = taps(side, height, section.origin[1], section.spacing[1], half, false);
  const rows = new Float32Array(height * side);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < side; x++) {
      rows[y * side + x] = across[x] ? weigh(across[x], (i) => known(hu[y * width + i])) : AIR;
    }
  }
  const large = new Float32Array(side * side).fill(AIR);
  for (let y = 0; y < side; y++) {
    if (!down[y]) continue;
    for (let x = 0; x < side; x++) {
      if (across[x]) large[y * side + x] = weigh(down[y], (i) => rows[i * side + x]);
    }
  }
  return large;
}

function weigh({ indices, weights }, value) {
  return (
    weights[0] * value(indices[0]) +
    weights[1] * value(indices[1]) +
    weights[2] * value(indices[2]) +
    weights[3] * value(indices[3])
  );
}

function known(hu) {
  return hu === MISSING ? AIR : hu;
}

/** Grey levels of HU in a window. */
function windowed(large, side, { centre, width }) {
  const image = new ImageData(side, side);
  const low = centre - width / 2;
  const scale = 255 / width;
  for (let n = 0; n < large.length; n++) {
    const grey = (large[n] - low) * scale;
    image.data[4 * n] = grey;
    image.data[4 * n + 1] = grey;
    image.data[4 * n + 2] = grey;
    image.data[4 * n + 3] = 255;
  }
  return image;
}
