package io.github.flashspring.samples.chatweb;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.LogitsConsumer;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * An engine that answers slowly and always alike: it repeats what it was told, counts
 * when asked to {@code count}, breaks off when asked to {@code break}, and so on.
 */
class ScriptedEngine implements FlashEngine {

	/** Time for one piece of an answer. */
	static final Duration PACE = Duration.ofMillis(25);

	private static final String MARKDOWN = """
			## Colours

			All of them are **bright**:

			1. Red, as `#f00`
			2. Green
			   - of grass

			| Colour | Length |
			| :-- | --: |
			| Red | 700 nm<br>or more |

			```java
			int red = 0xff0000;
			```

			See [the sea](https://example.org/sea).
			""";

	private static final String RIGHT_TO_LEFT = """
			שלום **עולם**.

			- פריט
			- `code`

			| שם | n |
			| --- | --: |
			| אבג | 1 |

			English.
			""";

	private static final String ATTACK = """
			<script>document.title = 'attacked'</script>
			<img src="x" onerror="document.title = 'attacked'">
			<a href="javascript:document.title = 'attacked'">raw</a>

			[script](javascript:document.title='attacked') [data](data:text/html,attacked) [file](file:///etc/passwd)
			[page](/actuator/env) <javascript:document.title='attacked'>
			![image](https://example.org/visited.png)

			```"><img/src=x/onerror=document.title='attacked'>
			</code></pre><script>document.title = 'attacked'</script>
			```

			Nothing happened.
			""";

	final List<ScriptedGeneration> generations = new CopyOnWriteArrayList<>();

	private final AtomicLong bytesRead = new AtomicLong();

	@Override
	public ModelInfo model() {
		return new ModelInfo("Scripted-1B-Instruct", "llama", 1_236_000_000, 711_000_000, "4-bit affine, groups of 64",
				22, 32_000, 4096, true, true, Sampling.GREEDY);
	}

	@Override
	public Generation generate(GenerationRequest request) {
		GenerationRequest.Chat chat = (GenerationRequest.Chat) request.prompt();
		ScriptedGeneration generation = new ScriptedGeneration(chat.messages());
		this.generations.add(generation);
		return generation;
	}

	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		throw new UnsupportedOperationException();
	}

	@Override
	public EngineSnapshot snapshot() {
		List<EngineSnapshot.Unit> units = new ArrayList<>();
		units.add(new EngineSnapshot.Unit("embedding", 36 << 20, true, 0));
		IntStream.range(0, 22).forEach((i) -> {
			boolean pinned = i % 4 != 3;
			units.add(new EngineSnapshot.Unit("layers." + i, 28 << 20, pinned, pinned ? 0 : this.bytesRead.get() / 5));
		});
		units.add(new EngineSnapshot.Unit("head", 36 << 20, true, 0));
		return new EngineSnapshot("CPU, 2 threads, 256-bit vectors", 640L << 20,
				List.of(new EngineSnapshot.Memory("weights.pinned", 476L << 20),
						new EngineSnapshot.Memory("weights.window", 56L << 20),
						new EngineSnapshot.Memory("kv", 44L << 20), new EngineSnapshot.Memory("activations", 9L << 20),
						new EngineSnapshot.Memory("tokenizer", 6L << 20)),
				units, new IoMetrics(this.bytesRead.get(), 12, 34_000_000, 5_000_000),
				new EngineSnapshot.Work(7, 11, 13, this.generations.size(), 0, 0), List.of(), PacingMetrics.NONE);
	}

	@Override
	public void close() {
		this.generations.forEach(Generation::cancel);
	}

	private static Stream<GenerationEvent> script(String told) {
		return switch (told) {
			case "count" -> texts(IntStream.range(1, 5000).mapToObj((number) -> " " + number));
			case "break" -> Stream.concat(texts(Stream.of("This is")), Stream.generate(() -> {
				throw new UncheckedIOException("The disk went away while reading layers.3 of model.safetensors",
						new IOException());
			}));
			case "too long" -> Stream.generate(() -> {
				throw new FlashEngineException("The prompt has 5310 tokens, but the context is 4096 tokens long.");
			});
			case "markdown" -> texts(Stream.of(MARKDOWN.split("(?<=[ \n])")));
			case "nothing" -> Stream.of();
			case "right to left" -> texts(Stream.of(RIGHT_TO_LEFT.split("(?<=[ \n])")));
			case "attack" -> texts(Stream.of(ATTACK.split("(?<=[ \n])")));
			case "lose the file" -> Stream.generate(() -> {
				throw new CheckpointException("/models/secret/model.safetensors does not exist.", "Restore it.");
			});
			case "think" -> Stream.concat(
					Stream.of("The", " visitor", " wants", " a", " colour").map(GenerationEvent.Reasoning::new),
					texts(Stream.of("Blue", ".")));
			case "code" -> texts(Stream.of("Use `reverse`:", "\n\n``", "`java\nString", " reversed =",
					" new StringBuilder(text)", ".reverse()\n    ", ".toString();\n`", "``\n\nThat", " is", " all."));
			default -> texts(Stream.of(("You said: " + told).split("(?= )")));
		};
	}

	private static Stream<GenerationEvent> texts(Stream<String> pieces) {
		return pieces.map(GenerationEvent.Text::new);
	}

	/** A generation that ends when its script or its reader's patience does. */
	final class ScriptedGeneration implements Generation {

		final List<ChatMessage> messages;

		private final Iterator<GenerationEvent> script;

		private int pieces;

		private boolean finished;

		private volatile boolean cancelled;

		private ScriptedGeneration(List<ChatMessage> messages) {
			this.messages = messages;
			this.script = script(messages.getLast().content()).iterator();
		}

		@Override
		public @Nullable GenerationEvent next() {
			if (this.finished) {
				return null;
			}
			sleep();
			if (this.cancelled || !this.script.hasNext()) {
				this.finished = true;
				return new GenerationEvent.Finished(this.cancelled ? FinishReason.CANCELLED : FinishReason.STOP,
						new Usage(5, this.pieces, Duration.ofMillis(1), PACE, PACE.multipliedBy(this.pieces), 0),
						new int[this.pieces]);
			}
			this.pieces++;
			ScriptedEngine.this.bytesRead.addAndGet(140 << 20);
			return this.script.next();
		}

		@Override
		public void cancel() {
			this.cancelled = true;
		}

		boolean isCancelled() {
			return this.cancelled;
		}

		int pieces() {
			return this.pieces;
		}

		private static void sleep() {
			try {
				Thread.sleep(PACE);
			}
			catch (InterruptedException ex) {
				Thread.currentThread().interrupt();
				throw new FlashEngineException("Interrupted", ex);
			}
		}

	}

}
