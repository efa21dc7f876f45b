// The conversation: sends what the visitor writes, shows the answer as it comes, and stops it on demand.

import { events, show } from './answer.js';
import { bytes, decimal, duration, watch } from './live.js';

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

watch(({ name, model, now }) => {
  const kind = /stor(y|ies)/i.test(name) ? 'story' : model.chat ? 'chat' : 'base';
  document.body.dataset.kind = kind;
  document.title = `${name} · Flash chat`;
  $('model-name').textContent = name;
  $('device').textContent = now.device;
  $('model-facts').textContent = `${parameters(model.parameters)} parameters, ${model.precision}, ${bytes(model.bytes)}`;
  const welcome = WELCOMES[kind];
  $('welcome-title').textContent = welcome.title;
  $('welcome-text').textContent = welcome.text;
  $('prompt').placeholder = welcome.placeholder;
  $('suggestions').replaceChildren(...welcome.suggestions.map(text => button(text.trim(), () => ask(text))));
});

function parameters(count) {
  const power = count < 1e6 ? 1 : count < 1e9 ? 2 : 3;
  return decimal(count / 1000 ** power) + ['', 'K', 'M', 'B'][power];
}

/** One turn: the visitor's message, and the answer or what went wrong. */
async function ask(text) {
  if (running || !text.trim()) {
    return;
  }
  const turn = append('section', 'turn', $('conversation'));
  append('div', 'message user', turn).textContent = text;
  const answer = append('article', 'message model', turn);
  answer.setAttribute('aria-busy', 'true');
  $('welcome').hidden = true;
  running = new AbortController();
  buttons();
  const asked = [...messages, { role: 'user', text }];
  const heard = await listen(asked, answer, running.signal);
  running = null;
  buttons();
  answer.removeAttribute('aria-busy');
  if (!turn.isConnected) {
    return; // a new conversation has begun
  }
  if (heard.error) {
    fail(turn, text, heard.error);
  }
  else {
    append('p', 'note', turn).textContent = summary(heard);
    if (heard.text) {
      messages = [...asked, { role: 'assistant', text: heard.text }];
    }
  }
  $('announcement').textContent = heard.error ?? (heard.stopped ? 'Stopped' : 'The answer is complete');
  follow();
}

/**
 * Streams an answer into its element.
 * @return {text, chunks, stopped, done: the last event, error: a message for the visitor}
 */
async function listen(asked, answer, signal) {
  const heard = { text: '', thinking: '', chunks: 0, stopped: false, done: null, error: null };
  const start = performance.now();
  let first = null;
  const body = append('div', 'body', answer);
  let frame = 0;
  const draw = () => {
    frame = 0;
    if (heard.thinking) {
      think(answer, body, heard);
    }
    show(body, heard.text);
    const seconds = (performance.now() - first) / 1000;
    if (heard.chunks > 1 && seconds > 0.1) {
      figures((heard.chunks - 1) / seconds, first - start);
    }
    follow();
  };
  try {
    const response = await fetch('api/chat', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept': 'text/event-stream' },
      body: JSON.stringify({ messages: asked }),
      signal,
    });
    if (!response.ok) {
      throw new Error(`The server answered ${response.status} ${response.statusText}`);
    }
    for await (const event of events(response)) {
      if (event.error) {
        heard.error = event.error;
      }
      else if (event.finishReason) {
        heard.done = event;
      }
      else {
        first ??= performance.now();
        heard.chunks++;
        heard.text += event.text ?? '';
        heard.thinking += event.thinking ?? '';
        frame ||= requestAnimationFrame(draw);
      }
    }
    if (!heard.done) {
      heard.error ??= 'The connection ended before the answer was complete.';
    }
  }
  catch (error) {
    heard.stopped = signal.aborted;
    if (!signal.aborted) {
      heard.error = error instanceof TypeError ? 'The server cannot be reached. Is the application still running?' : error.message;
    }
  }
  cancelAnimationFrame(frame);
  draw();
  if (heard.done?.tokensPerSecond) {
    figures(heard.done.tokensPerSecond, heard.done.timeToFirstTokenMillis);
  }
  answer.classList.toggle('empty', !heard.text);
  return heard;
}

function think(answer, body, { thinking, text }) {
  let details = answer.querySelector('details');
  if (!details) {
    details = document.createElement('details');
    details.className = 'thinking';
    details.open = true;
    append('summary', '', details);
    append('div', '', details);
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

function summary({ stopped, done, chunks, text }) {
  if (stopped) {
    return chunks ? 'Stopped' : 'Stopped before the first token';
  }
  const parts = [`${done.completionTokens} tokens`];
  if (done.tokensPerSecond) {
    parts.push(`${decimal(done.tokensPerSecond)} per second`);
  }
  if (done.timeToFirstTokenMillis) {
    parts.push(`first after ${duration(done.timeToFirstTokenMillis)}`);
  }
  if (done.finishReason.toLowerCase() === 'length') {
    parts.push('ended at the length limit');
  }
  else if (!text) {
    parts.push('the model had nothing to say');
  }
  return parts.join(' · ');
}

function fail(turn, text, error) {
  const alert = append('div', 'failure', turn);
  alert.setAttribute('role', 'alert');
  append('p', '', alert).textContent = error;
  alert.append(button('Try again', () => {
    turn.remove();
    ask(text);
  }));
}

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
    following = true;
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
  $('prompt').focus();
});

addEventListener('keydown', event => {
  if (event.key === 'Escape') {
    running?.abort();
  }
});

$('new').addEventListener('click', () => {
  running?.abort();
  messages = [];
  $('conversation').querySelectorAll('.turn').forEach(turn => turn.remove());
  $('welcome').hidden = false;
  following = true;
  $('prompt').focus();
});

// On wide screens the live panel is always open.

const wide = matchMedia('(min-width: 60rem)');
wide.addEventListener('change', () => $('live').open = wide.matches);
$('live').open = wide.matches;
