// The conversation: sends what the visitor writes, shows the answer as it comes, and stops it on demand.

import { answer } from './answer.js';
import { decimal, duration, watch } from './live.js';
import { MarkdownView, TextView } from './markdown.js';

const $ = id => document.getElementById(id);

/** What has been said: {role, text}, oldest first. A turn that failed is not part of it. */
let messages = [];

/** Aborts the running answer; null when none runs. */
let running = null;

const WELCOMES = {
  story: {
    title: 'Begin a story',
    text: 'This is a story model: it was trained on short children’s stories and knows nothing else. '
      + 'It does not answer questions, it continues what you begin.',
    placeholder: 'Begin a story, or continue this one',
    suggestions: ['Once upon a time', 'One day, Tom and his dog Max went to the park.', 'Lily said, "I want to'],
  },
  base: {
    title: 'Begin a text',
    text: 'This is a base model without a chat template: it continues your text in its own way.',
    placeholder: 'Begin a text, or continue this one',
    suggestions: ['The most surprising thing about the sea is', 'It was a bright cold day in April, and',
      'Recipe: bread with three ingredients.\n'],
  },
  chat: {
    title: 'What would you like to know?',
    text: 'The model runs inside this application. Nothing that you write leaves this machine.',
    placeholder: 'Your message',
    suggestions: ['What is the capital of France?', 'Explain in two sentences why the sky is blue.',
      'Write a Java method that reverses a string.', 'Give me three names for a cat.'],
  },
};

watch(({ name, model }) => {
  const kind = /stor(y|ies)/i.test(name) ? 'story' : model.chat ? 'chat' : 'base';
  document.body.dataset.kind = kind;
  document.title = `${name} · Flash chat`;
  $('model-name').textContent = name;
  const welcome = WELCOMES[kind];
  $('welcome-title').textContent = welcome.title;
  $('welcome-text').textContent = welcome.text;
  $('prompt').placeholder = welcome.placeholder;
  $('suggestions').replaceChildren(...welcome.suggestions.map(text => button(text.trim(), () => ask(text))));
});

/** One turn: the visitor's message, and the answer or what went wrong. */
async function ask(text) {
  if (running || !text.trim()) {
    return;
  }
  const turn = append('section', 'turn', $('conversation'));
  const said = append('article', 'message user', turn);
  said.ariaLabel = 'You';
  said.dir = 'auto';
  said.textContent = text;
  const article = append('article', 'message model', turn);
  article.ariaLabel = 'Answer';
  article.ariaBusy = 'true';
  $('welcome').hidden = true;
  following = true;
  running = new AbortController();
  buttons();
  rest();
  $('announcement').textContent = 'The model is answering';
  const asked = [...messages, { role: 'user', text }];
  const heard = await listen(asked, article, running.signal);
  if (!turn.isConnected) {
    return; // a new conversation has begun
  }
  running = null;
  buttons();
  article.removeAttribute('aria-busy');
  if (heard.failure) {
    fail(turn, text, heard.failure);
  }
  else {
    if (heard.text) {
      messages = [...asked, { role: 'assistant', text: heard.text }];
    }
    conclude(turn, text, heard, asked);
  }
  $('announcement').textContent = heard.failure ? '' : `${heard.stopped ? 'Stopped' : 'Answer'}: ${article.querySelector('.body').innerText}`;
  follow();
}

/**
 * Streams an answer into its element.
 * @return {text, thinking, chunks, millis, firstMillis, stopped, done: the last event, failure}
 */
async function listen(asked, article, signal) {
  const heard = { text: '', thinking: '', chunks: 0, millis: 0, firstMillis: 0, stopped: false, done: null, failure: null };
  const start = performance.now();
  const body = append('div', 'body', article);
  // What continues the visitor's own text is shown as it is: half a text is no Markdown.
  const view = document.body.dataset.kind === 'chat' ? new MarkdownView(body) : new TextView(body);
  let frame = 0;
  let rested = 0;
  const draw = now => {
    frame = 0;
    if (now < rested) {
      frame = requestAnimationFrame(draw);
      return;
    }
    const began = performance.now();
    think(article, body, heard);
    view.draw();
    if (heard.chunks > 1) {
      figures(speed(heard), heard.firstMillis);
    }
    follow();
    // However long a block becomes, drawing takes at most a fifth of the time.
    rested = performance.now() + 4 * (performance.now() - began);
  };
  try {
    for await (const event of answer(asked, signal)) {
      if (event.finishReason) {
        heard.done = event;
      }
      else {
        heard.millis = performance.now() - start;
        heard.firstMillis ||= heard.millis;
        heard.chunks++;
        heard.text += event.text ?? '';
        heard.thinking += event.thinking ?? '';
        view.add(event.text ?? '');
        frame ||= requestAnimationFrame(draw);
      }
    }
  }
  catch (error) {
    heard.stopped = signal.aborted;
    heard.failure = signal.aborted ? null : error;
  }
  cancelAnimationFrame(frame);
  think(article, body, heard);
  view.finish(heard.text);
  if (heard.done?.tokensPerSecond) {
    figures(heard.done.tokensPerSecond, heard.done.timeToFirstTokenMillis);
  }
  return heard;
}

/** Tokens per second after the first, as the page saw them come; 0 before it can tell. */
function speed({ chunks, millis, firstMillis }) {
  return millis - firstMillis > 100 ? 1000 * (chunks - 1) / (millis - firstMillis) : 0;
}

function think(article, body, { thinking, text }) {
  if (!thinking) {
    return;
  }
  let details = article.querySelector('.thinking');
  if (!details) {
    details = document.createElement('details');
    details.className = 'thinking';
    details.open = true;
    append('summary', '', details);
    append('div', '', details).dir = 'auto';
    body.before(details);
  }
  details.lastElementChild.textContent = thinking;
  if (text && !details.dataset.finished) {
    details.dataset.finished = 'true';
    details.open = false;
  }
  details.firstElementChild.textContent = text ? 'Thoughts' : 'Thinking …';
}

function figures(tokensPerSecond, firstTokenMillis) {
  $('speed').textContent = tokensPerSecond ? decimal(tokensPerSecond) : '–';
  $('live-speed').textContent = tokensPerSecond ? `${decimal(tokensPerSecond)} tokens/s · ` : '';
  $('first-token').textContent = firstTokenMillis ? duration(firstTokenMillis) : '–';
}

/** What belongs under an answer: what can be done with it, and what it took. */
function conclude(turn, text, heard, asked) {
  const foot = append('footer', 'foot', turn);
  if (heard.text) {
    const copy = foot.appendChild(iconButton('copy', 'Copy answer', () => copyText(heard.text, copy)));
  }
  foot.append(iconButton('again', 'Answer again', () => {
    messages = asked.slice(0, -1);
    turn.remove();
    ask(text);
  }));
  append('p', 'note', foot).textContent = summary(heard);
}

function summary(heard) {
  const { stopped, done, chunks, millis, text } = heard;
  if (stopped && !chunks) {
    return 'Stopped before the first token';
  }
  // A piece of a stopped answer is a token, but for characters that take several; the server's count would have come last.
  const tokens = done?.completionTokens ?? chunks;
  const count = `${tokens} ${tokens === 1 ? 'token' : 'tokens'}`;
  const parts = [stopped ? `Stopped after ${count} and ${duration(millis)}` : count];
  const tokensPerSecond = done ? done.tokensPerSecond : speed(heard);
  if (tokensPerSecond) {
    parts.push(`${decimal(tokensPerSecond)} per second`);
  }
  const first = done ? done.timeToFirstTokenMillis : heard.firstMillis;
  if (first && tokens) {
    parts.push(`first after ${duration(first)}`);
  }
  if (done?.finishReason.toLowerCase() === 'length') {
    parts.push('ended at the length limit');
  }
  else if (!text && !stopped) {
    parts.push('the model had nothing to say');
  }
  return parts.join(' · ');
}

/** Tells what went wrong, and offers what can help: the same again only where that can succeed. */
function fail(turn, text, { message, retryable }) {
  const alert = append('div', 'failure', turn);
  alert.role = 'alert';
  append('p', '', alert).textContent = message;
  const actions = append('div', 'actions', alert);
  if (retryable) {
    actions.append(button('Try again', () => {
      turn.remove();
      ask(text);
    }));
    return;
  }
  actions.append(button('Edit message', () => {
    turn.remove();
    $('welcome').hidden = !!document.querySelector('.turn');
    write(text);
  }));
  if (messages.length) {
    actions.append(button('Ask in a new conversation', () => {
      begin();
      write(text);
    }));
  }
}

function write(text) {
  $('prompt').value = text;
  grow();
  $('prompt').focus();
}

function iconButton(icon, label, action) {
  const element = button('', action);
  element.className = `tool ${icon}`;
  element.ariaLabel = label;
  element.title = label;
  element.append($(`icon-${icon}`).content.cloneNode(true));
  return element;
}

/** Copies also where the page is not in a secure context, as from a phone in the same network. */
async function copyText(text, pressed) {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (!copied) {
    const area = append('textarea', 'unseen', document.body);
    area.value = text;
    area.select();
    document.execCommand('copy');
    area.remove();
    pressed.focus();
  }
  pressed.classList.add('copied');
  $('announcement').textContent = 'Copied';
  setTimeout(() => pressed.classList.remove('copied'), 1500);
}

$('conversation').addEventListener('click', ({ target }) => {
  const block = target.closest('.copy')?.closest('.code');
  if (block) {
    copyText(block.querySelector('code').textContent, target);
  }
});

function button(text, action) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', action);
  return element;
}

function append(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent.append(element);
  return element;
}

// The conversation follows the answer, unless the visitor has scrolled up to read.

let following = true;

$('conversation').addEventListener('scroll', ({ target }) => {
  following = target.scrollHeight - target.scrollTop - target.clientHeight < 48;
  $('latest').hidden = following;
});

$('latest').addEventListener('click', () => {
  following = true;
  follow();
  rest();
});

new ResizeObserver(follow).observe($('conversation'));

function follow() {
  if (following) {
    $('conversation').scrollTop = $('conversation').scrollHeight;
  }
}

// The composer

function buttons() {
  $('send').hidden = !!running;
  $('stop').hidden = !running;
  $('send').disabled = !$('prompt').value.trim();
}

function send() {
  const text = $('prompt').value.trim();
  if (text && !running) {
    $('prompt').value = '';
    grow();
    ask(text);
  }
}

function grow() {
  $('prompt').style.height = 'auto';
  $('prompt').style.height = `${$('prompt').scrollHeight}px`;
  buttons();
}

$('prompt').addEventListener('input', grow);

$('prompt').addEventListener('keydown', event => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});

$('composer').addEventListener('submit', event => {
  event.preventDefault();
  send();
});

$('stop').addEventListener('click', () => {
  running?.abort();
  rest();
});

addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    running?.abort();
  }
});

$('new').addEventListener('click', () => {
  begin();
  rest();
});

function begin() {
  running?.abort();
  running = null;
  messages = [];
  $('conversation').querySelectorAll('.turn').forEach(turn => turn.remove());
  $('welcome').hidden = false;
  following = true;
  buttons();
}

/** Puts the focus where the visitor goes on. On phones that would bring the keyboard up, over the answer. */
function rest() {
  if (matchMedia('(pointer: coarse)').matches) {
    document.activeElement.blur();
  }
  else {
    $('prompt').focus();
  }
}

// On wide screens the live panel is always open.

const wide = matchMedia('(min-width: 60rem)');
wide.addEventListener('change', () => $('live').open = wide.matches);
$('live').open = wide.matches;
