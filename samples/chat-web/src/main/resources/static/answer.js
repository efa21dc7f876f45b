// Asks the server for an answer and reads it as it comes.

/** What to tell about refusals that say nothing themselves, by status. */
const REFUSALS = {
  400: 'The server did not understand the request.',
  413: 'The conversation is too long for the server. Shorten your message or begin a new conversation.',
};

/** A request that failed; the same one may succeed later, or not. */
export class Failure extends Error {

  constructor(message, retryable) {
    super(message);
    this.retryable = retryable;
  }

}

/**
 * The events of an answer: {text}, {thinking}, and last the one with a finishReason.
 * @throws Failure if the server refuses or breaks off
 */
export async function* answer(messages, signal) {
  try {
    const response = await fetch('api/chat', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept': 'text/event-stream, application/problem+json' },
      body: JSON.stringify({ messages }),
      signal,
    });
    if (!response.ok) {
      throw await refusal(response);
    }
    for await (const event of events(response)) {
      if (event.error) {
        throw new Failure(event.error, event.retryable);
      }
      yield event;
      if (event.finishReason) {
        return;
      }
    }
  }
  catch (error) {
    throw error instanceof TypeError ? new Failure('The server cannot be reached. Is the application still running?', true) : error;
  }
  throw new Failure('The connection ended before the answer was complete.', true);
}

/** A refusal in the server's own words, where it has some. What it cannot do now it may do later (5xx). */
async function refusal(response) {
  const said = await response.json().catch(() => ({}));
  if ('retryable' in said) {
    return new Failure(said.error, said.retryable);
  }
  return new Failure(said.detail ?? REFUSALS[response.status] ?? `The server answered ${response.status} ${response.statusText}.`,
    response.status >= 500 || [408, 425, 429].includes(response.status));
}

/** Reads the JSON events of a text/event-stream response. */
async function* events(response) {
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
