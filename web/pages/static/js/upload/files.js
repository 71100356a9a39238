// Getting at what a user chose, dropped or pasted: each gives a list of {file, path}.

/** The longest stretch of work before the page may draw and answer again, in milliseconds. */
const SLICE_MS = 20;

/**
 * The entries with the `size` of each. A browser looks at the disk, and waits for it, whenever a file's size is asked
 * for: so each is asked once, a few at a time. `onSome` hears lists of entries that are measured.
 */
export async function measure(entries, onSome = () => {}) {
  const measured = [];
  let some = [];
  let began = performance.now();
  for (const entry of entries) {
    some.push({ ...entry, size: entry.file.size });
    if (performance.now() - began < SLICE_MS) continue;
    measured.push(...some);
    onSome(some);
    some = [];
    await new Promise((resolve) => setTimeout(resolve));
    began = performance.now();
  }
  onSome(some);
  return measured.concat(some);
}

/**
 * Tells files apart: of a path that another file has, a further one gets a number. What seems to be the same file,
 * chosen twice, keeps its path, and the server compares what both hold.
 */
export class Names {
  #taken = new Set();
  #seen = new Map();
  #copies = new Map();

  /** The measured entry under its name: it has `isTwin` when it seems to be there already, `isRenamed` when its name differs. */
  name(entry) {
    const { file, path, size } = entry;
    const looks = `${size} ${file.lastModified} ${path}`;
    const known = this.#seen.get(looks);
    if (known) return { ...entry, path: known, isTwin: true };
    const name = this.#taken.has(path) ? this.#numbered(path) : path;
    this.#taken.add(name);
    this.#seen.set(looks, name);
    return { ...entry, path: name, isTwin: false, isRenamed: name !== path };
  }

  #numbered(path) {
    for (;;) {
      const copy = (this.#copies.get(path) ?? 1) + 1;
      this.#copies.set(path, copy);
      const name = path.replace(/(\.[^./]*)?$/, ` (${copy})$1`);
      if (!this.#taken.has(name)) return name;
    }
  }
}

/** Entries of a file input; folders keep their relative paths. */
export function fromInput(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * {entries, handles} of a drop, folders walked to the bottom. The handles can be kept, and read again after
 * a reload; they are empty where the browser gives none.
 */
export async function fromDrop(transfer) {
  // The browser empties the list of items at the handler's first await: take all of them now.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const roots = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const asked = items.map((item) => item.getAsFileSystemHandle?.());
  const lists = await Promise.all(roots.filter(Boolean).map(walk));
  const handles = await Promise.all(asked.map((handle) => handle?.catch(() => null)));
  return { entries: lists.flat(), handles: handles.filter(Boolean) };
}

/** Entries of a paste; screenshots all come as image.png, so they are numbered. */
export function fromPaste(transfer, firstNumber) {
  return [...transfer.files].map((file, index) => {
    const isUnnamed = /^image\.\w+$/.test(file.name);
    return { file, path: isUnnamed ? `pasted-${firstNumber + index}.${file.name.split(".")[1]}` : file.name };
  });
}

/** Entries of handles that were kept; asks the user's leave to read them again. Must follow a click. */
export async function fromHandles(handles) {
  const lists = [];
  for (const handle of handles) {
    if ((await handle.requestPermission({ mode: "read" })) !== "granted") continue;
    lists.push(await walkHandle(handle, ""));
  }
  return lists.flat();
}

async function walkHandle(handle, folder) {
  const path = folder + handle.name;
  if (handle.kind === "file") return [{ file: await handle.getFile(), path }];
  const lists = [];
  for await (const child of handle.values()) lists.push(await walkHandle(child, `${path}/`));
  return lists.flat();
}

async function walk(node) {
  if (node instanceof File) return [{ file: node, path: node.name }];
  // fullPath begins with a slash, but paths in a batch are relative.
  if (node.isFile) return [{ file: await fileOf(node), path: node.fullPath.slice(1) }];
  const lists = [];
  for (const child of await childrenOf(node)) lists.push(await walk(child));
  return lists.flat();
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

async function childrenOf(folder) {
  const reader = folder.createReader();
  const all = [];
  // A reader gives at most a hundred children a call, and none after the last.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
