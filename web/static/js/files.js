// Getting at what a user chose, dropped or pasted: each gives a list of {file, path}.

/** Entries of a file input; folders keep their relative paths. */
export function fromInput(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Entries of a drop, folders walked to the bottom. */
export async function fromDrop(transfer) {
  // The items are only there until the event's handler first awaits: take all of them now.
  const roots = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const lists = await Promise.all(roots.filter(Boolean).map(walk));
  return lists.flat();
}

/** Entries of a paste; screenshots all come as image.png, so they are numbered. */
export function fromPaste(transfer, firstNumber) {
  return [...transfer.files].map((file, index) => {
    const isUnnamed = /^image\.\w+$/.test(file.name);
    return { file, path: isUnnamed ? `pasted-${firstNumber + index}.${file.name.split(".")[1]}` : file.name };
  });
}

async function walk(node) {
  if (node instanceof File) return [{ file: node, path: node.name }];
  // fullPath begins with a slash, which the drop's own root has no right to.
  if (node.isFile) return [{ file: await fileOf(node), path: node.fullPath.slice(1) }];
  const found = [];
  for (const child of await childrenOf(node)) found.push(...(await walk(child)));
  return found;
}

const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

async function childrenOf(folder) {
  const reader = folder.createReader();
  const all = [];
  // A reader gives at most a hundred children at a time, and none when it is through.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
