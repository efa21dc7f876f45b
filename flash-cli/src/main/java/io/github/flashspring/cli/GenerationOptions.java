package io.github.flashspring.cli;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.GenerationRequest.Prompt;
import io.github.flashspring.engine.GenerationRequest.Text;
import io.github.flashspring.engine.GenerationRequest.Tokens;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.Parameter;

/**
 * Options that say how answers are generated. Those that a Modelfile knows too go over it
 * as instructions.
 */
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class GenerationOptions {

	private static final int DEFAULT_CONTINUATION = 256;

	@Spec(Spec.Target.MIXEE)
	private CommandSpec spec;

	@Option(names = "--system", paramLabel = "TEXT", description = "What the model is told about its task.")
	private @Nullable String system;

	@Option(names = "--template-variable", paramLabel = "NAME=VALUE",
			description = "Set a variable of the template, such as enable_thinking=false.")
	private Map<String, String> templateVariables = new HashMap<>();

	@Option(names = { "-n", "--max-tokens" }, paramLabel = "N",
			description = "Most tokens. Default: until the turn ends; 256 for continued texts.")
	private @Nullable Integer maxTokens;

	@Mixin
	private final SamplingOptions samplingOptions = new SamplingOptions();

	@Option(names = "--stop", paramLabel = "TEXT", description = "End the answer before this text; can be repeated.")
	private List<String> stop = new ArrayList<>();

	@Option(names = "--json-schema", paramLabel = "FILE",
			description = "Answer with JSON of the JSON Schema in this file; -: standard input.")
	private @Nullable String jsonSchema;

	@Option(names = "--grammar", paramLabel = "FILE",
			description = "Answer with a text of the GBNF grammar in this file; -: likewise.")
	private @Nullable String grammar;

	@Option(names = "--ignore-eos", description = "Go on past end-of-text tokens.")
	private boolean ignoreEndOfText;

	private @Nullable Structure structure;

	/**
	 * Refuses values out of range, before anything is loaded.
	 * @throws ParameterException if one is
	 */
	void check() {
		require(this.jsonSchema == null || this.grammar == null, "--json-schema and --grammar exclude each other.");
		try {
			this.samplingOptions.over(Sampling.GREEDY);
			StopSequences.validate("--stop", this.stop);
			new GenerationRequest(new Text("-"), null, this.maxTokens, this.stop, false);
		}
		catch (IllegalArgumentException exception) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(exception.getMessage()), exception);
		}
	}

	/**
	 * {@return whether a schema or grammar comes from standard input}
	 */
	boolean readsInput() {
		return "-".equals(this.jsonSchema) || "-".equals(this.grammar);
	}

	/**
	 * {@return whether an option needs a chat template}
	 */
	boolean needTemplate() {
		return this.system != null || !this.templateVariables.isEmpty();
	}

	/**
	 * Refuses what needs a chat template, where there is none.
	 * @param reason why there is none
	 */
	void requireNoTemplate(String reason) {
		require(this.system == null, "--system needs a chat, but " + reason);
		require(this.templateVariables.isEmpty(), "--template-variable needs a chat, but " + reason);
	}

	/**
	 * Reads what the answer must look like.
	 * @param terminal whose standard input may hold it
	 * @throws ParameterException if it cannot be read, or cannot be enforced
	 * @throws IOException if standard input cannot be read
	 */
	void readStructure(Terminal terminal) throws IOException {
		Structure asked = null;
		if (this.jsonSchema != null) {
			asked = Structure.JsonSchema.of(read("--json-schema", this.jsonSchema, terminal));
		}
		if (this.grammar != null) {
			asked = new Structure.Gbnf(read("--grammar", this.grammar, terminal));
		}
		if (asked != null) {
			try {
				CompiledGrammar.check(asked);
			}
			catch (GrammarException exception) {
				throw new ParameterException(this.spec.commandLine(), String.valueOf(exception.getMessage()),
						exception);
			}
		}
		this.structure = asked;
	}

	private String read(String option, String file, Terminal terminal) throws IOException {
		if (file.equals("-")) {
			StringWriter text = new StringWriter();
			terminal.in().transferTo(text);
			return text.toString();
		}
		try {
			return Files.readString(Path.of(file));
		}
		catch (IOException | InvalidPathException exception) {
			throw new ParameterException(this.spec.commandLine(),
					option + ": the file " + file + " cannot be read as UTF-8 text: " + exception, exception);
		}
	}

	/**
	 * These options over a Modelfile.
	 * @param base the Modelfile
	 * @return the settings of the two
	 */
	ModelfileSettings over(ModelfileSettings base) {
		List<Instruction> given = new ArrayList<>(this.samplingOptions.instructions());
		if (this.maxTokens != null) {
			given.add(Instruction.of(Keyword.PARAMETER, Parameter.NUM_PREDICT.key(), this.maxTokens.toString()));
		}
		this.stop.forEach((text) -> given.add(Instruction.of(Keyword.PARAMETER, Parameter.STOP.key(), text)));
		if (this.system != null) {
			given.add(Instruction.of(Keyword.SYSTEM, "", this.system));
		}
		if (given.isEmpty()) {
			return base;
		}
		Modelfile file = new Modelfile(base.file().source(),
				join(Instruction.of(Keyword.FROM, "", base.model()), given));
		return ModelfileSettings.of(file.over(base.file()), null);
	}

	private static List<Instruction> join(Instruction first, List<Instruction> others) {
		List<Instruction> all = new ArrayList<>(List.of(first));
		all.addAll(others);
		return all;
	}

	/**
	 * A request.
	 * @param model what answers
	 * @param settings the Modelfile with these options over it
	 * @param prompt what to answer or continue
	 * @return the request
	 */
	GenerationRequest request(ModelInfo model, ModelfileSettings settings, Prompt prompt) {
		Sampling sampling = (prompt instanceof Tokens) ? this.samplingOptions.over(Sampling.GREEDY)
				: settings.sampling(model.sampling());
		Integer most = settings.maxTokens();
		if (most == null && !(prompt instanceof Chat)) {
			most = DEFAULT_CONTINUATION;
		}
		return new GenerationRequest(prompt, sampling, most, settings.stopSequences(),
				this.ignoreEndOfText || prompt instanceof Tokens, this.structure);
	}

	/**
	 * {@return values of template variables as a template would see them: truth values
	 * and whole numbers, not their spelling}
	 */
	Map<String, Object> variables() {
		Map<String, Object> variables = new HashMap<>();
		this.templateVariables.forEach((name, value) -> variables.put(name, switch (value) {
			case "true" -> true;
			case "false" -> false;
			default -> value.matches("-?\\d{1,18}") ? (Object) Long.valueOf(value) : value;
		}));
		return variables;
	}

	private void require(boolean right, String message) {
		if (!right) {
			throw new ParameterException(this.spec.commandLine(), message);
		}
	}

}
