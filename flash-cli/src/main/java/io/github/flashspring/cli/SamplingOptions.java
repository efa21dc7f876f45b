package io.github.flashspring.cli;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Parameter;

/**
 * Options that say how tokens are chosen. What is not given comes from the model.
 */
final class SamplingOptions {

	@Option(names = { "--temp", "--temperature" }, paramLabel = "T",
			description = "Temperature; 0: greedy. Defaults of these: generation_config.json.")
	private @Nullable Float temperature;

	@Option(names = "--top-k", paramLabel = "K", description = "Choose among the K most likely tokens; 0: all.")
	private @Nullable Integer topK;

	@Option(names = "--top-p", paramLabel = "P",
			description = "Choose among tokens whose probabilities add up to P; 1: all.")
	private @Nullable Float topP;

	@Option(names = "--min-p", paramLabel = "P",
			description = "Choose among tokens P times as likely as the first; 0: all.")
	private @Nullable Float minP;

	@Option(names = { "--repetition-penalty", "--repeat-penalty" }, paramLabel = "X",
			description = "Make tokens that occurred less likely; 1: no.")
	private @Nullable Float repetitionPenalty;

	@Option(names = "--presence-penalty", paramLabel = "X",
			description = "Subtract X from the logits of tokens that the answer has.")
	private @Nullable Float presencePenalty;

	@Option(names = "--frequency-penalty", paramLabel = "X",
			description = "Subtract X for each time that the answer has the token.")
	private @Nullable Float frequencyPenalty;

	@Option(names = { "-s", "--seed" }, paramLabel = "S",
			description = "Start of the random numbers, so that an answer can be repeated.")
	private @Nullable Long seed;

	/**
	 * These options over the given settings.
	 * @param base what holds where an option is not given
	 * @return the settings
	 * @throws IllegalArgumentException if a value is out of range
	 */
	Sampling over(Sampling base) {
		return new Sampling(or(this.repetitionPenalty, base.repetitionPenalty()),
				or(this.presencePenalty, base.presencePenalty()), or(this.frequencyPenalty, base.frequencyPenalty()),
				or(this.temperature, base.temperature()), or(this.topK, base.topK()), or(this.topP, base.topP()),
				or(this.minP, base.minP()), (this.seed != null) ? this.seed : base.seed());
	}

	/**
	 * These options as parameters of a Modelfile.
	 * @return those that are given
	 */
	List<Instruction> instructions() {
		List<Instruction> given = new ArrayList<>();
		add(given, Parameter.TEMPERATURE, this.temperature);
		add(given, Parameter.TOP_K, this.topK);
		add(given, Parameter.TOP_P, this.topP);
		add(given, Parameter.MIN_P, this.minP);
		add(given, Parameter.REPEAT_PENALTY, this.repetitionPenalty);
		add(given, Parameter.PRESENCE_PENALTY, this.presencePenalty);
		add(given, Parameter.FREQUENCY_PENALTY, this.frequencyPenalty);
		add(given, Parameter.SEED, this.seed);
		return given;
	}

	private static void add(List<Instruction> given, Parameter parameter, @Nullable Number value) {
		if (value != null) {
			given.add(Instruction.of(Keyword.PARAMETER, parameter.key(), value.toString()));
		}
	}

	private static <T> T or(@Nullable T given, T base) {
		return (given != null) ? given : base;
	}

}
