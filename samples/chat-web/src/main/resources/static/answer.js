// Reads an answer from the server and puts it on the page. Everything that a model says is set as text, never as markup.

/**
 * Reads the JSON events of a text/event-stream response.
 */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const blocks = (unread + value).split('\n\n');
    unread = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5)).join('\n');
      if (data) {
        yield JSON.parse(data);
      }
    }
  }
}

/**
 * Shows text in an element: fenced code as code blocks, `code` in lines as code, everything else as it is. Called again
 * with the longer text of a growing answer, it leaves the finished parts alone.
 */
export function show(element, text) {
  text.split(/^[ \t]*```/m).forEach((part, i) => {
    const tag = i % 2 ? 'PRE' : 'DIV';
    let child = element.children[i];
    if (child?.tagName !== tag) {
      child?.remove();
      child = document.createElement(tag);
      element.append(child);
    }
    if (child.source === part) {
      return;
    }
    child.source = part;
    if (tag === 'PRE') {
      const [, language, code] = part.match(/^([^\n]*)\n?([^]*)$/);
      child.dataset.language = language.trim();
      child.textContent = code;
    }
    else {
      // Code blocks have margins of their own, in place of the empty lines around them.
      child.replaceChildren(...part.replace(/^\s*\n|\n\s*$/g, '').split(/`([^`\n]+)`/).map((piece, j) => {
        if (j % 2 === 0) {
          return piece;
        }
        const code = document.createElement('code');
        code.textContent = piece;
        return code;
      }));
    }
  });
}
