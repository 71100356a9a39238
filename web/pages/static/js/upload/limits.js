// What the server refuses, so that the page can say so before anything is sent.

import { api } from "../core/api.js";
import { bytes, number, t } from "../core/words.js";

/** The limits until the server has told its own, and where it does not. */
const USUAL = {
  max_image_bytes: 50 * 1024 * 1024,
  max_files_per_request: 1000,
  max_known_files: 1000,
  max_request_bytes: 4 * 1024 ** 3,
  max_path_chars: 1024,
  max_images_per_job: 16,
  max_question_chars: 4000,
  media_types: [
    "application/pdf", "image/avif", "image/bmp", "image/gif", "image/heic", "image/jpeg", "image/png", "image/tiff", "image/webp",
  ],
};
const IMAGE_ENDINGS = [
  "apng", "avif", "avifs", "bmp", "dib", "gif", "heic", "heics", "heif", "heifs", "hif", "jfif", "jif", "jpe", "jpeg",
  "jpg", "mpo", "pdf", "pjp", "pjpeg", "png", "tif", "tiff", "webp",
];
const IMAGE_NAME = new RegExp(`\\.(${IMAGE_ENDINGS.join("|")})$`, "i");
const KNOWN_OTHER = /\.(svgz?|ps[db]|raw|cr[23w]|nef|nrw|arw|dng|raf|orf|rw2|pef|srw|x3f|jxl|jp2|mp4|mov|txt|docx?|xlsx?|json|xml|html?|csv|md)$/i;

export const isZip = (path) => /\.zip$/i.test(path);
export const isPdf = (path) => /\.pdf$/i.test(path);

/** The server's limits; the usual ones when it does not say. */
export async function readLimits() {
  try {
    return { ...USUAL, ...(await api("/limits")) };
  } catch {
    return { ...USUAL };
  }
}

export const usualLimits = () => ({ ...USUAL });

/** Why a measured entry would be refused, in words, or null when it would not. */
export function refusal({ file, path, size }, limits) {
  if (isLitter(path)) return t("a hidden file");
  if (size === 0) return t("empty");
  if (path.length > limits.max_path_chars) {
    return t("its path is longer than {n} characters", { n: number(limits.max_path_chars) });
  }
  if (isZip(path)) {
    return size > limits.max_request_bytes ? tooLarge(limits.max_request_bytes) : null;
  }
  if (!looksLikeImage(file, path, limits)) return t("not an image that can be read");
  return size > limits.max_image_bytes ? tooLarge(limits.max_image_bytes) : null;
}

const tooLarge = (limit) => t("larger than {size}", { size: bytes(limit) });

/** A browser does not know every type: a file without one is sent, unless its name says what else it is. */
function looksLikeImage(file, path, limits) {
  if (KNOWN_OTHER.test(path)) return false;
  if (IMAGE_NAME.test(path)) return true;
  return file.type === "" ? !/\.\w+$/.test(path) : limits.media_types.includes(file.type);
}

/** What file managers leave behind; the server passes over the same in zips. */
function isLitter(path) {
  const parts = path.split("/");
  const name = parts.at(-1);
  return parts.some((part) => part.startsWith(".") && part !== "..") || parts.includes("__MACOSX")
    || ["thumbs.db", "desktop.ini"].includes(name.toLowerCase());
}
