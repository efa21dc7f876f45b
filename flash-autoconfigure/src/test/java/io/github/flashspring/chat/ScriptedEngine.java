package io.github.flashspring.chat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.LogitsConsumer;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ToolCall;

/**
 * An engine that plays scripts instead of computing, and remembers what was asked of it.
 */
public class ScriptedEngine implements FlashEngine {

	public static final Sampling SAMPLING = new Sampling(1.5f, 0, 0, 0.5f, 20, 0.75f, 0, null);

	private static final Pattern CITY = Pattern.compile("San Francisco|Tokyo|Paris");

	private final Function<GenerationRequest, Iterable<GenerationEvent>> script;

	final List<GenerationRequest> requests = new CopyOnWriteArrayList<>();

	final AtomicInteger reads = new AtomicInteger();

	final AtomicInteger cancellations = new AtomicInteger();

	/** Opened when a generation is cancelled. */
	final CountDownLatch cancelled = new CountDownLatch(1);

	private volatile boolean closed;

	public ScriptedEngine(Function<GenerationRequest, Iterable<GenerationEvent>> script) {
		this.script = script;
	}

	/**
	 * An engine that always says the same.
	 * @param texts the pieces
	 * @return the engine
	 */
	public static ScriptedEngine saying(String... texts) {
		return new ScriptedEngine((request) -> script(texts));
	}

	/**
	 * The events of a generation that says something.
	 * @param texts the pieces
	 * @return the events
	 */
	public static List<GenerationEvent> script(String... texts) {
		List<GenerationEvent> events = new ArrayList<>();
		for (String text : texts) {
			events.add(new GenerationEvent.Text(text));
		}
		events.add(finished(FinishReason.STOP, texts.length));
		return events;
	}

	/**
	 * An engine that asks for the weather of each city in the question, then repeats what
	 * the tool said.
	 * @return the engine
	 */
	public static ScriptedEngine forecaster() {
		return new ScriptedEngine(ScriptedEngine::forecast);
	}

	static GenerationEvent.Finished finished(FinishReason reason, int tokens) {
		Usage usage = new Usage(7, tokens, Duration.ofMillis(10), Duration.ofMillis(110), Duration.ofMillis(1110),
				4096);
		return new GenerationEvent.Finished(reason, usage, new int[tokens]);
	}

	private static List<GenerationEvent> forecast(GenerationRequest request) {
		GenerationRequest.Chat chat = (GenerationRequest.Chat) request.prompt();
		String question = chat.messages()
			.stream()
			.filter((message) -> message.role().equals("user"))
			.map(ChatMessage::content)
			.reduce("", (first, second) -> second);
		List<GenerationEvent> events = new ArrayList<>();
		List<ChatMessage> answers = chat.messages()
			.stream()
			.filter((message) -> message.role().equals("tool"))
			.toList();
		if (!chat.tools().isEmpty() && answers.isEmpty()) {
			events.add(new GenerationEvent.Text("Let me see."));
			List<String> cities = CITY.matcher(question).results().map(MatchResult::group).toList();
			for (int i = 0; i < cities.size(); i++) {
				events.add(new GenerationEvent.ToolCalled(new ToolCall("call-" + i, chat.tools().getFirst().name(),
						"{\"location\":\"%s\",\"unit\":\"C\",\"lat\":0,\"lon\":0}".formatted(cities.get(i)))));
			}
			events.add(finished(FinishReason.TOOL_CALLS, cities.size()));
			return events;
		}
		events.add(new GenerationEvent.Text("You said: " + question));
		answers.forEach((answer) -> events.add(new GenerationEvent.Text(" " + answer.content())));
		events.add(finished(FinishReason.STOP, answers.size() + 1));
		return events;
	}

	@Override
	public ModelInfo model() {
		return new ModelInfo("scripted", "script", 260_000, 1_040_000, "F32", 5, 512, 256, true, true, SAMPLING);
	}

	@Override
	public Generation generate(GenerationRequest request) {
		this.requests.add(request);
		return new ScriptedGeneration(this.script.apply(request).iterator());
	}

	@Override
	public void logits(int[] tokens, LogitsConsumer consumer) {
		throw new UnsupportedOperationException("A script has no logits");
	}

	@Override
	public EngineSnapshot snapshot() {
		if (this.closed) {
			throw new FlashEngineException("The engine is closed");
		}
		return new EngineSnapshot("scripted device", 1L << 20,
				List.of(new EngineSnapshot.Memory("weights.pinned", 1000),
						new EngineSnapshot.Memory("weights.window", 500), new EngineSnapshot.Memory("kv", 24)),
				List.of(new EngineSnapshot.Unit("layers.0", 1000, true, 0),
						new EngineSnapshot.Unit("layers.1", 1000, false, 3000, 250, 1_500_000_000L, 2_000_000_000L),
						new EngineSnapshot.Unit("layers.1.experts", 4000, false, 0)),
				new IoMetrics(3000, 3, 3_000_000_000L, 0, 0, 1_500_000_000L, 2_000_000_000L, 2_500_000_000L, 1, 2, 5),
				new EngineSnapshot.Work(9, 70, 30, 4, 2, 1),
				List.of(new EngineSnapshot.Pass(1, 4_000_000_000L, 1000, 500_000_000L)),
				new PacingMetrics(1_000_000, 1_030_000, 0.03, 0.05, 1e9, 5e8, 6e8, 250_000_000, 7),
				new ExpertMetrics(90, 10, 6000, 2000, 2500, 8, 4000, 7, 1, 500, 0));
	}

	@Override
	public void close() {
		this.closed = true;
	}

	public boolean isClosed() {
		return this.closed;
	}

	/** Plays one script. */
	private final class ScriptedGeneration implements Generation {

		private final Iterator<GenerationEvent> events;

		private boolean ended;

		private ScriptedGeneration(Iterator<GenerationEvent> events) {
			this.events = events;
		}

		@Override
		public @Nullable GenerationEvent next() {
			ScriptedEngine.this.reads.incrementAndGet();
			if (!this.events.hasNext()) {
				return null;
			}
			GenerationEvent event = this.events.next();
			this.ended |= event instanceof GenerationEvent.Finished;
			return event;
		}

		@Override
		public void cancel() {
			if (!this.ended) {
				ScriptedEngine.this.cancellations.incrementAndGet();
				ScriptedEngine.this.cancelled.countDown();
			}
		}

	}

}
