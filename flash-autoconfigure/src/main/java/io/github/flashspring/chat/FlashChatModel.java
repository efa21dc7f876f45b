package io.github.flashspring.chat;

import java.util.List;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import org.jspecify.annotations.Nullable;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.util.Assert;
import org.springframework.util.StringUtils;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.ModelfileSettings;

/**
 * A {@link ChatModel} that answers from a {@link FlashEngine} in this JVM.
 * <p>
 * A stream generates from the first request of its subscriber on, and emits as far as
 * that asks. It holds no thread while it waits for the engine or for demand: chunks come
 * on a virtual thread of the engine, where a subscriber may block. Cancelling the
 * subscription stops the generation. Chunks have text, or a piece of reasoning under the
 * metadata key {@code thinking} and an empty text. The last chunk has an empty text, the
 * finish reason ({@code stop}, {@code length} or {@code tool_calls}), the usage, and all
 * tool calls; whoever asked for tools runs them. A model without a chat template
 * continues the conversation as one text. Thread-safe.
 */
public final class FlashChatModel implements ChatModel {

	/** Name of the provider in observations and in {@code spring.ai.model.chat}. */
	public static final String PROVIDER = "flash";

	/** Metadata key of a response: time until the engine began with the request. */
	public static final String QUEUED = "queued";

	/** Metadata key of a response: time until the first token. */
	public static final String TIME_TO_FIRST_TOKEN = "time-to-first-token";

	/** Metadata key of a response: time until the end. */
	public static final String TOTAL_DURATION = "total-duration";

	/** Metadata key of a response: decoding speed, a {@link Double}. */
	public static final String TOKENS_PER_SECOND = "tokens-per-second";

	/** Metadata key of a response: speed of reading the prompt, a {@link Double}. */
	public static final String PROMPT_TOKENS_PER_SECOND = "prompt-tokens-per-second";

	private static final ChatModelObservationConvention DEFAULT_CONVENTION = new DefaultChatModelObservationConvention();

	private final FlashEngine engine;

	private final String name;

	private final FlashChatOptions options;

	private final ObservationRegistry observationRegistry;

	private final List<GenerationListener> listeners;

	private final @Nullable ModelfileSettings modelfile;

	/** Renders and tokenizes prompts of streams, or waits for the model to be loaded. */
	private final Scheduler prompts = Schedulers.fromExecutorService(
			Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("flash-prompt").factory()), "flash-prompt");

	private volatile ChatModelObservationConvention observationConvention;

	private FlashChatModel(Builder builder) {
		this.engine = builder.engine;
		String alias = builder.options.getModel();
		this.name = StringUtils.hasText(alias) ? alias : builder.engine.model().id();
		this.options = builder.options.mutate().model(this.name).build();
		this.observationRegistry = builder.observationRegistry;
		this.observationConvention = builder.observationConvention;
		this.modelfile = builder.modelfile;
		this.listeners = builder.listeners.stream()
			.map((listener) -> listener.forModel(builder.engine, this.name))
			.toList();
	}

	/**
	 * A builder of models over an engine.
	 * @param engine the engine; its owner closes it
	 * @return the builder
	 */
	public static Builder builder(FlashEngine engine) {
		return new Builder(engine);
	}

	/**
	 * What holds for options that a prompt does not set.
	 * @return the options
	 */
	@Override
	public FlashChatOptions getOptions() {
		return this.options;
	}

	/**
	 * Sets what observations of this model tell.
	 * @param observationConvention names and key values
	 */
	public void setObservationConvention(ChatModelObservationConvention observationConvention) {
		Assert.notNull(observationConvention, "observationConvention must not be null");
		this.observationConvention = observationConvention;
	}

	/**
	 * Answers, on the caller's thread. Interrupting it stops the generation.
	 * @param prompt messages and options
	 * @return the whole answer
	 * @throws IllegalArgumentException if the prompt cannot be put to this model: it has
	 * media, no message, options out of range, or asks for another model
	 * @throws io.github.flashspring.engine.generate.grammar.UnsupportedSchemaException if
	 * the output schema cannot be enforced
	 * @throws io.github.flashspring.engine.FlashEngineException if the engine cannot
	 * serve it, or is closed before the answer is complete
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if weights can
	 * no longer be read, or are damaged
	 * @throws io.github.flashspring.engine.generate.NonFiniteLogitsException if the model
	 * computes NaN although no weight is damaged
	 */
	@Override
	public ChatResponse call(Prompt prompt) {
		FlashChatOptions merged = merge(prompt.getOptions());
		Prompt request = prompt.mutate().chatOptions(merged).build();
		ChatModelObservationContext context = context(request, false);
		ChatResponse response = observation(context).observe(() -> {
			ChatResponse whole = whole(request, merged);
			context.setResponse(whole);
			return whole;
		});
		Assert.state(response != null, "The answer is missing");
		return response;
	}

	/**
	 * Answers piece by piece. What {@link #call} throws comes as an error of the stream,
	 * and so does an {@link io.github.flashspring.engine.IdleTimeoutException} when the
	 * subscriber requests nothing for longer than {@code flash.idle-timeout}.
	 * @param prompt messages and options
	 * @return a cold stream of chunks; each subscription generates anew
	 */
	@Override
	public Flux<ChatResponse> stream(Prompt prompt) {
		return Flux.deferContextual((contextView) -> {
			FlashChatOptions merged = merge(prompt.getOptions());
			Prompt request = prompt.mutate().chatOptions(merged).build();
			ChatModelObservationContext context = context(request, true);
			Observation observation = observation(context);
			Observation parent = contextView.getOrDefault(ObservationThreadLocalAccessor.KEY, null);
			observation.parentObservation(parent);
			try (Observation.Scope ignored = (parent != null) ? parent.openScope() : Observation.Scope.NOOP) {
				observation.start();
			}
			return chunks(request, merged, context::setResponse).doOnError(observation::error)
				.doFinally((signal) -> observation.stop())
				.contextWrite((ctx) -> ctx.put(ObservationThreadLocalAccessor.KEY, observation));
		});
	}

	private FlashChatOptions merge(@Nullable ChatOptions given) {
		if (given == null) {
			return this.options;
		}
		FlashChatOptions merged = this.options.mutate().combineWith(FlashChatOptions.from(given).mutate()).build();
		if (!this.name.equals(merged.getModel())) {
			throw new IllegalArgumentException(
					"The prompt asks for model '%s', but this chat model runs '%s'. Leave the option 'model' unset."
						.formatted(merged.getModel(), this.name));
		}
		return merged;
	}

	private Generation generate(Prompt request, FlashChatOptions options) {
		List<Message> messages = request.getInstructions();
		boolean called = !messages.isEmpty() && messages.getLast() instanceof ToolResponseMessage;
		return this.engine.generate(PromptMapper.map(request, options, this.engine.model(), this.modelfile)
			.withStructure(options.structure())
			.withToolChoice(options.toolChoice(called)));
	}

	private ChatResponse whole(Prompt request, FlashChatOptions options) {
		ResponseMapper mapper = new ResponseMapper(this.name);
		Outcome outcome = new Outcome(this.listeners);
		try (Generation generation = generate(request, options)) {
			GenerationEvent event = generation.next();
			while (event != null) {
				if (event instanceof GenerationEvent.Finished finished) {
					outcome.finished(finished);
					return mapper.whole(finished);
				}
				mapper.chunk(event);
				event = generation.next();
			}
			throw new IllegalStateException("The generation ended without saying why");
		}
		catch (RuntimeException | Error ex) {
			outcome.failed(ex);
			throw ex;
		}
	}

	/** Chunks of one subscription; the whole response is handed over before the last. */
	private Flux<ChatResponse> chunks(Prompt request, FlashChatOptions options, Consumer<ChatResponse> whole) {
		ResponseMapper mapper = new ResponseMapper(this.name);
		Outcome outcome = new Outcome(this.listeners);
		Sinks.Empty<Void> demand = Sinks.empty();
		return Flux.defer(() -> JdkFlowAdapter.flowPublisherToFlux(generate(request, options)))
			.subscribeOn(this.prompts, false)
			// A prompt whose stream is cancelled while it is prepared fails unseen.
			.onErrorComplete((failure) -> outcome.isCancelled())
			.doOnNext((event) -> {
				if (event instanceof GenerationEvent.Finished finished) {
					outcome.finished(finished);
					whole.accept(mapper.whole(finished));
				}
			})
			.mapNotNull(mapper::chunk)
			.delaySubscription(demand.asMono())
			.doOnError(outcome::failed)
			.doOnCancel(outcome::cancelled)
			.doOnRequest((n) -> demand.tryEmitEmpty());
	}

	private static ChatModelObservationContext context(Prompt request, boolean streaming) {
		return ChatModelObservationContext.builder().prompt(request).provider(PROVIDER).streaming(streaming).build();
	}

	private Observation observation(ChatModelObservationContext context) {
		return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(this.observationConvention,
				DEFAULT_CONVENTION, () -> context, this.observationRegistry);
	}

	/**
	 * Collects what a {@link FlashChatModel} is made of.
	 */
	public static final class Builder {

		private final FlashEngine engine;

		private FlashChatOptions options = FlashChatOptions.builder().build();

		private ObservationRegistry observationRegistry = ObservationRegistry.NOOP;

		private ChatModelObservationConvention observationConvention = DEFAULT_CONVENTION;

		private List<GenerationListener> listeners = List.of();

		private @Nullable ModelfileSettings modelfile;

		private Builder(FlashEngine engine) {
			Assert.notNull(engine, "engine must not be null");
			this.engine = engine;
		}

		/**
		 * Sets what holds for options that a prompt does not set.
		 * @param options the options; their model, if set, names this model in responses
		 * and observations, otherwise the engine's model does
		 * @return this
		 */
		public Builder options(FlashChatOptions options) {
			Assert.notNull(options, "options must not be null");
			this.options = options;
			return this;
		}

		/**
		 * Sets who observes calls and streams.
		 * @param observationRegistry the registry
		 * @return this
		 */
		public Builder observationRegistry(ObservationRegistry observationRegistry) {
			Assert.notNull(observationRegistry, "observationRegistry must not be null");
			this.observationRegistry = observationRegistry;
			return this;
		}

		/**
		 * Sets what observations tell.
		 * @param observationConvention names and key values
		 * @return this
		 */
		public Builder observationConvention(ChatModelObservationConvention observationConvention) {
			Assert.notNull(observationConvention, "observationConvention must not be null");
			this.observationConvention = observationConvention;
			return this;
		}

		/**
		 * Sets who is told how generations end.
		 * @param listeners the listeners
		 * @return this
		 */
		public Builder listeners(List<GenerationListener> listeners) {
			Assert.notNull(listeners, "listeners must not be null");
			this.listeners = List.copyOf(listeners);
			return this;
		}

		/**
		 * Sets what holds below the options, and what goes before each conversation.
		 * @param modelfile settings of a Modelfile, or null
		 * @return this
		 */
		public Builder modelfile(@Nullable ModelfileSettings modelfile) {
			this.modelfile = modelfile;
			return this;
		}

		/**
		 * Builds the model.
		 * @return the model
		 */
		public FlashChatModel build() {
			return new FlashChatModel(this);
		}

	}

}
