// The live panel: asks the server each second what the model holds in memory and what it has read.

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

const $ = id => document.getElementById(id);

/** Owners of memory, by the names that the engine has for them. */
const OWNERS = {
  'weights.pinned': 'Pinned weights',
  'weights.experts': 'Experts',
  'weights.window': 'Streamed weights',
  kv: 'Conversation (KV cache)',
  activations: 'Activations',
  scratch: 'Scratch',
  tokenizer: 'Tokenizer',
  heap: 'Java heap',
};

/** Human-readable bytes; units are powers of 1024, as in the configuration. */
export function bytes(count) {
  const power = Math.min(4, count < 1024 ? 0 : Math.floor(Math.log2(count) / 10));
  return decimal(count / 1024 ** power) + ['\u00a0B', '\u00a0KB', '\u00a0MB', '\u00a0GB', '\u00a0TB'][power];
}

/** A number with three digits that count. */
export function decimal(value) {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

export function duration(milliseconds) {
  return milliseconds < 1000 ? `${decimal(milliseconds)}\u00a0ms` : `${decimal(milliseconds / 1000)}\u00a0s`;
}

/**
 * Polls as long as the page is seen.
 * @param onModel called with the model's facts whenever another model answers
 */
export function watch(onModel) {
  let before = null;
  const poll = async () => {
    if (!document.hidden) {
      try {
        const response = await fetch('api/model');
        if (!response.ok) {
          throw new Error(`The server answered ${response.status}`);
        }
        const status = await response.json();
        connected(true, 'The model is ready');
        if (before?.model.id !== status.model.id) {
          onModel(status);
          drawModel(status);
        }
        draw(status, before);
        before = status;
      }
      catch (error) {
        connected(false, 'The server cannot be reached');
      }
    }
    setTimeout(poll, 1000);
  };
  poll();
}

function connected(yes, title) {
  $('connection').classList.toggle('on', yes);
  $('connection').classList.toggle('off', !yes);
  $('connection').title = title;
  $('connection').ariaLabel = title;
}

function drawModel({ model, now }) {
  $('model-size').textContent = `${parameters(model.parameters)} parameters`;
  table($('model-facts'), [
    ['Runs on', now.device],
    ['Weights', `${model.precision}, ${bytes(model.bytes)}`],
    ['Context', `${model.contextLength.toLocaleString('en')} tokens`],
  ]);
}

function parameters(count) {
  return count < 1e6 ? `${decimal(count / 1e3)} thousand` : count < 1e9 ? `${decimal(count / 1e6)} million` : `${decimal(count / 1e9)} billion`;
}

function draw({ now }, before) {
  drawMemory(now);
  drawResidency(now.units, before?.now.units ?? []);
  const readNow = before ? Math.max(0, now.io.bytesRead - before.now.io.bytesRead) : 0;
  table($('totals'), [
    ['Generated', `${now.work.generatedTokens.toLocaleString('en')} tokens`],
    ['Prompts', `${now.work.promptTokens.toLocaleString('en')} tokens`],
    ['Read from disk', bytes(now.io.bytesRead)],
    ['Reading', `${bytes(readNow)}/s`],
    ['Waited for the disk', duration(now.io.stallNanos / 1e6)],
    ['Requests', `${now.work.activeRequests} running, ${now.work.queuedRequests} waiting`],
  ]);
}

function drawMemory({ memory: owners, budgetBytes }) {
  const memory = owners.filter(owner => owner.bytes > 0);
  const used = sum(memory, owner => owner.bytes);
  const bounded = budgetBytes !== null && budgetBytes < UNBOUNDED;
  const whole = bounded ? Math.max(budgetBytes, used) : used;
  $('memory-total').textContent = bytes(used) + (bounded ? ` of ${bytes(budgetBytes)}` : ', no limit set');
  $('model-memory').textContent = bytes(used) + (bounded ? ` of ${bytes(budgetBytes)}` : '') + ' memory';
  const bar = $('memory-bar');
  bar.setAttribute('aria-label', `${bytes(used)} of memory used` + (bounded ? `, ${bytes(budgetBytes)} allowed` : ''));
  match(bar, memory.length, () => document.createElement('span'));
  memory.forEach((owner, i) => {
    bar.children[i].className = `owner-${i % 6}`;
    bar.children[i].style.width = `${100 * owner.bytes / whole}%`;
    bar.children[i].title = `${label(owner)}: ${bytes(owner.bytes)}`;
  });
  table($('memory-owners'), memory.map(owner => [label(owner), bytes(owner.bytes)]));
  memory.forEach((owner, i) => $('memory-owners').children[2 * i].className = `owner-${i % 6}`);
}

function label({ owner }) {
  return OWNERS[owner] ?? owner;
}

function drawResidency(units, before) {
  const pinned = sum(units, unit => unit.pinnedBytes) / sum(units, unit => unit.bytes);
  const text = pinned < 1 ? `${Math.floor(100 * pinned)}\u00a0% of the weights in memory` : 'all weights in memory';
  $('residency-total').textContent = text;
  $('residency').setAttribute('aria-label', `Residency: ${text}`);
  match($('residency'), units.length, () => document.createElement('span'));
  units.forEach((unit, i) => {
    const cell = $('residency').children[i];
    const read = before[i] && unit.bytesRead > before[i].bytesRead;
    cell.className = `cell ${unit.pinned ? 'pinned' : 'streamed'}${read ? ' reading' : ''}`;
    cell.style.setProperty('--pinned', `${100 * unit.pinnedBytes / unit.bytes}%`);
    cell.title = `${unit.name}: ${bytes(unit.pinnedBytes)} of ${bytes(unit.bytes)} pinned, ${bytes(unit.bytesRead)} read`;
  });
  $('live-summary').textContent = text;
}

function sum(items, count) {
  return items.reduce((total, item) => total + count(item), 0);
}

function table(list, rows) {
  match(list, 2 * rows.length, i => document.createElement(i % 2 ? 'dd' : 'dt'));
  rows.flat().forEach((text, i) => list.children[i].textContent = text);
}

function match(parent, count, create) {
  while (parent.children.length > count) {
    parent.lastElementChild.remove();
  }
  while (parent.children.length < count) {
    parent.append(create(parent.children.length));
  }
}
