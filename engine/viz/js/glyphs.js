// How wide a text will be, without a font: see glyphs.py, which has the same numbers.

const LETTER_WIDTHS = [
  ["ijl|!.,:;'`", 30],
  ['ftrI()[]{}/\\-" ', 42],
  ["ABCDEFGHJKLNOPQRSTUVXYZ&", 72],
  ["mwMW", 95],
  ["@%…—", 100],
  ["+×÷=<>−~^#", 84],
];
const OTHER_WIDTH = 64;
// First and last code points, width: accents and joiners have none, East Asian letters and emoji are wide.
const WIDTH_RANGES = [
  [0x300, 0x36f, 0], [0x483, 0x489, 0], [0x591, 0x5bd, 0], [0x610, 0x61a, 0], [0x64b, 0x65f, 0],
  [0x1100, 0x115f, 100], [0x1ab0, 0x1aff, 0], [0x1dc0, 0x1dff, 0], [0x200b, 0x200f, 0], [0x20d0, 0x20ff, 0],
  [0x2e80, 0x303e, 100], [0x3041, 0xa4cf, 100], [0xa960, 0xa97c, 100], [0xac00, 0xd7a3, 100], [0xf900, 0xfaff, 100],
  [0xfe00, 0xfe0f, 0], [0xfe20, 0xfe2f, 0], [0xfe30, 0xfe6f, 100], [0xff00, 0xff60, 100], [0xffe0, 0xffe6, 100],
  [0x1f300, 0x1faff, 100], [0x20000, 0x3fffd, 100],
];
const widthOf = new Map(LETTER_WIDTHS.flatMap(([letters, width]) => [...letters].map((letter) => [letter, width])));

/** Width of `text` in pixels at font size `size` pixels (a whole number). */
export function textWidth(text, size, bold = false) {
  let hundredths = 0;
  for (const letter of text) hundredths += letterWidth(letter);
  return bold ? (hundredths * size * 108) / 10000 : (hundredths * size) / 100;
}

function letterWidth(letter) {
  const code = letter.codePointAt(0);
  const range = code >= 0x300 && WIDTH_RANGES.find(([first, last]) => first <= code && code <= last);
  return range ? range[2] : widthOf.get(letter) ?? OTHER_WIDTH;
}

/** `text`, cut in its middle to at most `length` characters. */
export function cutInMiddle(text, length) {
  const letters = [...text];
  if (letters.length <= length) return text;
  const head = Math.floor((length - 1) / 2);
  return `${letters.slice(0, head).join("")}…${letters.slice(head + letters.length - length + 1).join("")}`;
}
