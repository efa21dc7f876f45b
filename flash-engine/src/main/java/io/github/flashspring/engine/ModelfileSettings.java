package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.ModelfileException;
import io.github.flashspring.engine.modelfile.Parameter;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.ChatTemplateException;

/**
 * What a Modelfile means for an engine and for requests to it. Each instruction works, is
 * without effect and {@linkplain #notes() says so}, or was refused with its line.
 */
public final class ModelfileSettings {

	/** What only templates of Go's text/template have. */
	private static final Pattern GO_TEMPLATE = Pattern
		.compile("\\{\\{-?\\s*(\\.|\\$|(if|range|with|end|else|define|block|template|break|continue)\\b)");

	private static final Set<String> NO = Set.of("false", "0", "no", "off");

	private final Modelfile file;

	private final String model;

	private final List<String> notes;

	private final FlashConfig config;

	private final @Nullable String template;

	private ModelfileSettings(Modelfile file, @Nullable Path folder) {
		Instruction from = file.from();
		this.model = model(from.value(), folder);
		Instruction found = new Instruction(Keyword.FROM, "", this.model, from.line());
		this.file = new Modelfile(file.source(),
				file.instructions().stream().map((one) -> (one == from) ? found : one).toList());
		refuse();
		this.template = template();
		this.config = applyTo(FlashConfig.builder(this.model)).build();
		sampling(Sampling.GREEDY);
		check(Parameter.NUM_PREDICT, (one) -> maxTokens());
		check(Parameter.STOP, (one) -> StopSequences.validate("stop", stopSequences()));
		this.notes = ModelfileNotes.of(this.file, streams(), sampling(Sampling.GREEDY));
	}

	/**
	 * The meaning of a Modelfile.
	 * @param file the file
	 * @param folder that its paths are relative to; null: that of the process
	 * @return the settings
	 * @throws ModelfileException if Flash refuses an instruction; names line and reason
	 */
	public static ModelfileSettings of(Modelfile file, @Nullable Path folder) {
		return new ModelfileSettings(file, folder);
	}

	/**
	 * {@return the folder or the hub id that FROM names}
	 */
	public String model() {
		return this.model;
	}

	/**
	 * {@return the file, whose FROM is the folder or the hub id}
	 */
	public Modelfile file() {
		return this.file;
	}

	/**
	 * {@return sentences about instructions that have no effect}
	 */
	public List<String> notes() {
		return this.notes;
	}

	/**
	 * Sets what the file says about the engine.
	 * @param builder of any model
	 * @return the builder
	 */
	public FlashConfig.Builder applyTo(FlashConfig.Builder builder) {
		check(Parameter.NUM_CTX, (one) -> builder.contextLength(positive(one, "num_ctx")).build());
		check(Parameter.NUM_BATCH, (one) -> builder.prefillChunk(positive(one, "num_batch")).build());
		check(Parameter.NUM_THREAD, (one) -> builder.threads(integer(one)).build());
		check(Keyword.FLASH_THREADS, (one) -> builder.threads(integer(one)).build());
		check(Parameter.NUM_GPU, (one) -> builder.device((integer(one) == 0) ? "cpu" : null));
		if (streams()) {
			check(Keyword.FLASH_RAM_GB, (one) -> builder.ramBudget(RamBudget.ofGigabytes(Double.parseDouble(one))));
		}
		else {
			builder.ramBudget(RamBudget.UNLIMITED);
		}
		if (this.template != null) {
			builder.chat(FlashConfig.Chat.DEFAULT.withTemplate(this.template));
		}
		return builder;
	}

	/**
	 * {@return a chat template in Jinja; null: the checkpoint's own}
	 */
	public @Nullable String chatTemplate() {
		return this.template;
	}

	/**
	 * What the file says about the engine, alone.
	 * @return a configuration with the model of the file
	 */
	public FlashConfig config() {
		return this.config;
	}

	/**
	 * How tokens are chosen.
	 * @param base what holds for parameters that the file does not set
	 * @return the settings
	 */
	public Sampling sampling(Sampling base) {
		SamplingParameters parameters = new SamplingParameters(base);
		for (Parameter parameter : Parameter.values()) {
			check(parameter, (value) -> parameters.set(parameter, value));
		}
		return parameters.sampling();
	}

	/**
	 * {@return most tokens of an answer; null: what is left of the context}
	 */
	public @Nullable Integer maxTokens() {
		Optional<Integer> given = last(Parameter.NUM_PREDICT).map((one) -> integer(one.value()));
		if (given.isEmpty() || given.get() == -1 || given.get() == -2) {
			return null;
		}
		if (given.get() < 1) {
			throw new IllegalArgumentException(
					"num_predict must be above 0, or -1 for no limit, but is " + given.get());
		}
		return given.get();
	}

	/**
	 * {@return texts that end an answer}
	 */
	public List<String> stopSequences() {
		return this.file.all(Parameter.STOP).stream().map(Instruction::value).toList();
	}

	/**
	 * {@return what the model is told about its task; null: nothing}
	 */
	public @Nullable String system() {
		return this.file.last(Keyword.SYSTEM).map(Instruction::value).filter((text) -> !text.isBlank()).orElse(null);
	}

	/**
	 * {@return messages before the conversation, without the system message}
	 */
	public List<ChatMessage> messages() {
		return this.file.all(Keyword.MESSAGE)
			.stream()
			.map((one) -> new ChatMessage(one.name(), one.value(), null, List.of(), null, null))
			.toList();
	}

	/**
	 * Puts the file's system message and its messages before a conversation. A
	 * conversation that begins with a system message keeps that one instead.
	 * @param said the conversation
	 * @return the messages for the model
	 */
	public List<ChatMessage> before(List<ChatMessage> said) {
		List<ChatMessage> all = new ArrayList<>();
		boolean own = !said.isEmpty() && said.getFirst().role().equals("system");
		String system = system();
		if (own) {
			all.add(said.getFirst());
		}
		else if (system != null) {
			all.add(ChatMessage.system(system));
		}
		all.addAll(messages());
		all.addAll(own ? said.subList(1, said.size()) : said);
		return all;
	}

	/**
	 * What FLASH_QUANT_WARN_BELOW has to say about a model.
	 * @param info the model
	 * @return a sentence; null if there is nothing to say
	 */
	public @Nullable String quantizationWarning(ModelInfo info) {
		double bits = 8.0 * info.bytes() / Math.max(1, info.parameters());
		return this.file.last(Keyword.FLASH_QUANT_WARN_BELOW)
			.filter((one) -> bits < integer(one.value()))
			.map((one) -> String.format(Locale.ROOT,
					"%s has %.1f bits per weight, fewer than the %s of FLASH_QUANT_WARN_BELOW: answers may be poor.",
					info.id(), bits, one.value()))
			.orElse(null);
	}

	private boolean streams() {
		return this.file.last(Keyword.FLASH)
			.filter((one) -> NO.contains(one.value().toLowerCase(Locale.ROOT)))
			.isEmpty();
	}

	private void refuse() {
		this.file.last(Keyword.ADAPTER).ifPresent((one) -> {
			throw refusal(one, "Flash does not apply adapters (LoRA) yet.",
					"Merge the adapter into the model, and name the merged folder in FROM.");
		});
		this.file.last(Keyword.DRAFT).ifPresent((one) -> {
			throw refusal(one, "Flash runs no draft model yet.", "Leave the line out; answers stay the same.");
		});
		this.file.last(Keyword.FLASH_TOP_K).filter((one) -> integer(one.value()) != 0).ifPresent((one) -> {
			throw refusal(one, "FLASH_TOP_K " + one.value() + " would change the model's answers.",
					"Leave the line out, or write 0: the model's own number of experts.");
		});
	}

	private @Nullable String template() {
		Instruction one = this.file.last(Keyword.TEMPLATE).orElse(null);
		if (one == null || one.value().isBlank()) {
			return null;
		}
		String text = one.value();
		if (!text.contains("{%") && (GO_TEMPLATE.matcher(text).find() || !text.contains("{{"))) {
			throw refusal(one,
					text.contains("{{")
							? "TEMPLATE is a Go template, but Flash renders the checkpoint's Jinja template."
							: "TEMPLATE is no template: it does not contain messages.",
					"Leave TEMPLATE out, or give a template in Jinja.");
		}
		try {
			ChatTemplate.parse(text, this.file.source() + ", line " + one.line(), Map.of(), Clock.systemDefaultZone());
		}
		catch (ChatTemplateException ex) {
			throw refusal(one, ex.description(), ex.action());
		}
		return text;
	}

	private Optional<Instruction> last(Parameter parameter) {
		return this.file.all(parameter).stream().reduce((first, second) -> second);
	}

	private void check(Parameter parameter, Consumer<String> setter) {
		last(parameter).ifPresent((one) -> set(one, setter));
	}

	private void check(Keyword keyword, Consumer<String> setter) {
		this.file.last(keyword).ifPresent((one) -> set(one, setter));
	}

	/** Says at which line a value is out of range. */
	private void set(Instruction one, Consumer<String> setter) {
		try {
			setter.accept(one.value());
		}
		catch (IllegalArgumentException ex) {
			throw refusal(one, one.title() + " " + one.value() + " is out of range: " + ex.getMessage() + ".",
					"Correct the value or leave the line out.");
		}
	}

	private ModelfileException refusal(Instruction one, String description, String action) {
		return ModelfileException.at(this.file.source(), one.line(), description, action);
	}

	private static int positive(String value, String name) {
		int number = integer(value);
		if (number < 1) {
			throw new IllegalArgumentException(name + " must be above 0");
		}
		return number;
	}

	/** Too large a number is out of range, whatever the range. */
	private static int integer(String value) {
		long number = Long.parseLong(value);
		if (number != (int) number) {
			throw new IllegalArgumentException("the number has more than 32 bits");
		}
		return (int) number;
	}

	private static String model(String from, @Nullable Path folder) {
		if (folder == null || from.startsWith("~")) {
			return from;
		}
		try {
			Path local = folder.resolve(from);
			return Files.exists(local) ? local.toAbsolutePath().normalize().toString() : from;
		}
		catch (InvalidPathException ex) {
			return from;
		}
	}

}
