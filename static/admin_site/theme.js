// The colours chosen on the site (its cookie) hold in the admin too. Runs before the page is painted.
(() => {
  const chosen = /(?:^|; )theme=(light|dark)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
})();
