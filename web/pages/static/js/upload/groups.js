// Which files make one job, told by their paths; jobs/contract/asking/groups.py has the same rule.
//
//   folder    trip/day 1/a.jpg   trip/day 1/b.jpg  ──► trip/day 1: all that lie in it, not those below
//   prefix    shop/front_1.jpg   shop/front_2.jpg  ──► shop/front: the same but for the number at their end

/** What may be told of files that are one job; "" makes a job of each. */
export const WAYS = ["", "folder", "prefix"];

/** What sets a number at a name's end apart from what stands before it. */
const SEPARATORS = /[ ._\-([]+$/;

/**
 * The places of all paths in groups, {name, places} each, in the order in which the groups begin. `name` is null for a file
 * that is a job by itself. The images of a job are in the natural order of their names: 2 before 10.
 */
export function grouped(paths, way) {
  const groups = new Map();
  paths.forEach((path, place) => {
    const common = commonName(path, way) ?? place;
    if (groups.has(common)) groups.get(common).push(place);
    else groups.set(common, [place]);
  });
  return [...groups].map(([common, places]) => groupOf(paths, common, places));
}

/** What a file has in common with the others of its job; null for one that is a job by itself. */
export function commonName(path, way) {
  if (!way) return null;
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(0, slash));
  if (way === "folder") return folder;
  const stem = stemOf(path.slice(slash + 1));
  const numbered = /[)\]]$/.test(stem) ? stem.slice(0, -1) : stem;
  const prefix = withoutDigits(numbered);
  if (prefix === numbered) return null;
  const name = prefix.replace(SEPARATORS, "");
  return name ? path.slice(0, slash + 1) + name : folder;
}

/** What an image is called beside its job's name: its path, without the folder where that is the name. */
export const nameBelow = (path, folder) => (path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path);

function groupOf(paths, common, places) {
  if (typeof common === "number") return { name: null, places };
  const keys = new Map(places.map((place) => [place, naturalKey(paths[place])]));
  const ordered = [...places].sort((a, b) => byKey(keys.get(a), keys.get(b)) || byCodePoint(paths[a], paths[b]));
  return { name: common || paths[ordered[0]], places: ordered };
}

/** A path's texts and numbers in turn; of a number its length comes first, so that one of any length is compared. */
function naturalKey(path) {
  return path.split(/([0-9]+)/).flatMap((part, place) => {
    const number = part.replace(/^0+/, "");
    return place % 2 ? [number.length, number] : [part];
  });
}

function byKey(a, b) {
  for (let place = 0; place < Math.min(a.length, b.length); place += 1) {
    const order = typeof a[place] === "number" ? a[place] - b[place] : byCodePoint(a[place], b[place]);
    if (order) return order;
  }
  return a.length - b.length;
}

/** The order that servers have: a surrogate is behind what comes after it. */
function byCodePoint(a, b) {
  let at = 0;
  while (a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function withoutDigits(text) {
  let end = text.length;
  while (end && text[end - 1] >= "0" && text[end - 1] <= "9") end -= 1;
  return text.slice(0, end);
}

/** A name without its ending. */
function stemOf(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(0, dot) : name;
}
