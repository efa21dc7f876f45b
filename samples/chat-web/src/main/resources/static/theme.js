// Takes the visitor's choice of light or dark before the page is painted; without a choice the system's setting rules.

const root = document.documentElement;

if (localStorage.getItem('theme')) {
  root.dataset.theme = localStorage.getItem('theme');
}

addEventListener('DOMContentLoaded', () => document.getElementById('theme').addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset.theme);
}));
