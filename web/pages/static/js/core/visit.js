// Going to another page without leaving the document, so that an upload goes on.

/**
 * Show the page at `path`: its <main> and title take the place of ours, its style sheets are added, and its
 * modules are run. Going back loads anew. Rejects when the page cannot be had; then nothing has changed.
 */
export async function visit(path) {
  const response = await fetch(path);
  // Whoever is not signed in any more is led elsewhere: that is not the page that was asked for.
  if (!response.ok || response.redirected) throw new Error(`${path}: ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (page.body.dataset.for !== document.body.dataset.for) {
    document.dispatchEvent(new Event("session:other"));
    throw new Error(`${path}: for somebody else`);
  }
  await Promise.all([...page.querySelectorAll('link[rel="stylesheet"]')].map(addSheet));
  document.dispatchEvent(new Event("page:leave"));
  document.getElementById("main").replaceWith(document.adoptNode(page.getElementById("main")));
  document.title = page.title;
  showPlace(page);
  history.pushState(null, "", path);
  addEventListener("popstate", () => location.reload());
  scrollTo(0, 0);
  document.getElementById("main").focus({ preventScroll: true });
  for (const script of page.querySelectorAll('script[type="module"][src]')) {
    await import(new URL(script.getAttribute("src"), location.origin).href);
  }
}

function addSheet(link) {
  const href = link.getAttribute("href");
  if ([...document.styleSheets].some((sheet) => sheet.href?.endsWith(href))) return null;
  const sheet = document.adoptNode(link);
  return new Promise((resolve) => {
    sheet.addEventListener("load", resolve);
    sheet.addEventListener("error", resolve);
    document.head.append(sheet);
  });
}

/** The links of the mast, and where the forms of the switches lead back to. */
function showPlace(page) {
  const ours = document.querySelector(".mast");
  const theirs = page.querySelector(".mast");
  if (theirs) ours.querySelector(".mast-nav").replaceWith(document.adoptNode(theirs.querySelector(".mast-nav")));
  const next = page.querySelector('.mast input[name="next"]')?.value;
  for (const field of ours.querySelectorAll('input[name="next"]')) field.value = next ?? field.value;
}
