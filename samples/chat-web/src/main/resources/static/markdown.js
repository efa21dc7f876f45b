// Turns Markdown into elements. A model's words are hostile: raw HTML stays text, links lead to http, https and mailto
// only, images are not loaded, and what the renderer wrote is sanitised before it becomes elements.

/* global markdownit, DOMPurify */

// markdown-it, since it takes linear time: marked needs a minute for 90 KB of "*a *a …". No linkify: it does not.
const markdown = markdownit({ breaks: true }).disable('image');

const SANITIZED = {
  ALLOWED_TAGS: ['p', 'br', 'hr', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 's', 'a', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code',
    'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ALLOWED_ATTR: ['href', 'start', 'align', 'class'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ['start', 'align'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

// Models break lines in the cells of tables with this tag, since Markdown has no way to do it.
markdown.inline.ruler.before('html_inline', 'break_tag', (state, silent) => {
  const tag = state.src.slice(state.pos, state.pos + 6).match(/^<br ?\/?>/i);
  if (tag && !silent) {
    state.push('hardbreak', 'br', 0);
  }
  state.pos += tag?.[0].length ?? 0;
  return !!tag;
});

// An answer's headings stand below those of the page, and the page's policy has no inline styles.
markdown.core.ruler.push('page', ({ tokens }) => tokens.forEach(token => {
  if (token.type.startsWith('heading_')) {
    token.tag = `h${Math.min(6, Math.max(3, Number(token.tag[1]) + 1))}`;
  }
  const align = token.attrGet('style')?.match(/^text-align:(\w+)$/);
  if (align) {
    token.attrs = [['align', align[1]]];
  }
}));

/** Markdown that grows. Each drawing costs what the last two blocks cost, and leaves alone what has not changed. */
export class MarkdownView {

  #element;

  /** What may still change its meaning. */
  #open = '';

  /** Number of blocks before it. */
  #settled = 0;

  constructor(element) {
    this.#element = element;
    mark(element);
  }

  add(text) {
    this.#open += text.replaceAll('\r', '');
  }

  draw() {
    const tokens = parseOpen(this.#open);
    unmark(this.#element);
    patch(this.#element, elements(tokens), this.#settled);
    mark(this.#element);
    // The line that is being written may continue the block before it: "- a" and "#b" are one list, until "# b" is not.
    const blocks = tokens.filter(token => token.level === 0 && token.map);
    if (blocks.length > 2) {
      this.#settled += blocks.length - 2;
      this.#open = this.#open.split('\n').slice(blocks.at(-2).map[0]).join('\n');
    }
  }

  /** Draws the whole text, whose links may refer to definitions further down. */
  finish(text) {
    unmark(this.#element);
    patch(this.#element, elements(markdown.parse(text.replaceAll('\r', ''), {})));
  }

}

/** Text that grows, as it is. */
export class TextView {

  #node;

  constructor(element) {
    element.classList.add('plain');
    this.#node = element.appendChild(new Text());
    mark(element);
  }

  add(text) {
    this.#node.appendData(text);
  }

  draw() { }

  finish() {
    unmark(this.#node.parentElement);
  }

}

/** Parses a text that has not ended: what may become markup is held back, and emphasis that is open is closed. */
function parseOpen(text) {
  const certain = text.replace(/(^|\n)[ \t]*([`~]{1,2}|[-=+*#]+|\d+[.)]?)[ \t]*$/, '$1');
  const tokens = markdown.parse(certain, {});
  const last = tokens.findLast(({ type }) => ['inline', 'fence', 'code_block'].includes(type));
  const closed = last?.type === 'inline' ? closeLine(certain) : certain;
  return closed === certain ? tokens : markdown.parse(closed, {});
}

function closeLine(text) {
  return text
    .replace(/\[([^[\]\n]*)\]\([^()\n]*$/, '$1')
    .replace(/(^|[\s(*])`([^`\n]*)$/, (_, before, code) => before + (code && `\`${code}\``))
    .replace(/(^|[\s(])(\*{1,3})(?:([^*\s][^*\n]*?)?(\s*))$/, (all, before, stars, words, space) =>
      words ? before + stars + words + stars : space ? all : before);
}

function elements(tokens) {
  const content = DOMPurify.sanitize(markdown.renderer.render(tokens, markdown.options, {}), SANITIZED);
  for (const link of content.querySelectorAll('a[href]')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
    link.title = link.href;
  }
  for (const table of content.querySelectorAll('table')) {
    const scroller = create('div', 'scroller');
    scroller.tabIndex = 0;
    scroller.role = 'region';
    scroller.ariaLabel = 'Table';
    table.replaceWith(scroller);
    scroller.append(table);
  }
  for (const pre of content.querySelectorAll('pre')) {
    const block = create('figure', 'code');
    const caption = create('figcaption', '');
    const language = create('span', '');
    language.textContent = pre.firstElementChild?.className.replace('language-', '') ?? '';
    const copy = create('button', 'copy');
    copy.type = 'button';
    copy.ariaLabel = 'Copy code';
    copy.textContent = 'Copy';
    caption.append(language, copy);
    pre.tabIndex = 0;
    pre.replaceWith(block);
    block.append(caption, pre);
  }
  // Each block has the direction of its own first letter.
  for (const block of content.children) {
    block.dir = 'auto';
  }
  return [...content.children];
}

function create(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

/** Makes the children of an element, from one on, equal to others, and keeps those that are. */
function patch(parent, nodes, from = 0) {
  nodes.forEach((node, i) => {
    const old = parent.childNodes[from + i];
    if (!old) {
      parent.append(node);
    }
    else if (old instanceof Text && node instanceof Text) {
      // Appending keeps a selection.
      if (node.data.startsWith(old.data)) {
        old.appendData(node.data.slice(old.data.length));
      }
      else {
        old.data = node.data;
      }
    }
    else if (old.cloneNode().isEqualNode(node.cloneNode())) {
      patch(old, [...node.childNodes]);
    }
    else {
      old.replaceWith(node);
    }
  });
  while (parent.childNodes.length > from + nodes.length) {
    parent.lastChild.remove();
  }
}

const BLOCKS = 'p, ul, ol, li, blockquote, h3, h4, h5, h6, figure, pre, pre > code, .scroller, table, tbody, tr, td';

/** Marks where the text grows. */
function mark(element) {
  let last = element;
  while (last.lastElementChild?.matches(BLOCKS)) {
    last = last.lastElementChild;
  }
  last.dataset.growing = '';
}

function unmark(element) {
  for (const marked of element.parentElement.querySelectorAll('[data-growing]')) {
    delete marked.dataset.growing;
  }
}
