package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.Parameter;

/**
 * Finds instructions of a Modelfile that have no effect, and says why.
 */
final class ModelfileNotes {

	private final Modelfile file;

	private final List<String> notes = new ArrayList<>();

	private ModelfileNotes(Modelfile file) {
		this.file = file;
	}

	/**
	 * The notes on a file.
	 * @param file whose instructions are not refused
	 * @param streams whether weights may be streamed
	 * @param sampling what its parameters mean
	 * @return a sentence for each instruction without effect
	 */
	static List<String> of(Modelfile file, boolean streams, Sampling sampling) {
		ModelfileNotes notes = new ModelfileNotes(file);
		notes.parameters(sampling);
		notes.keywords(streams);
		return List.copyOf(notes.notes);
	}

	private void parameters(Sampling sampling) {
		for (Parameter parameter : Parameter.values()) {
			String reason = parameter.ignored();
			if (reason != null) {
				last(parameter)
					.filter((one) -> parameter != Parameter.TYPICAL_P || Double.parseDouble(one.value()) != 1)
					.ifPresent((one) -> add(one, reason));
			}
		}
		boolean penalizes = sampling.repetitionPenalty() != 1 || sampling.presencePenalty() != 0
				|| sampling.frequencyPenalty() != 0;
		last(Parameter.REPEAT_LAST_N).filter((one) -> penalizes && Long.parseLong(one.value()) > 0)
			.ifPresent((one) -> add(one, "penalties of Flash look back over the whole context"));
		last(Parameter.NUM_GPU).filter((one) -> Long.parseLong(one.value()) > 0)
			.ifPresent((one) -> add(one, "Flash plans by itself what is in memory"));
	}

	private void keywords(boolean streams) {
		add(Keyword.FLASH_PREFETCH_LAYERS, "the planner decides how far to prefetch");
		add(Keyword.FLASH_EVICTION, "the planner pins weights and reads the others past the page cache");
		if (!streams) {
			add(Keyword.FLASH_RAM_GB, "FLASH is off");
		}
		add(Keyword.REQUIRES, "it is a version of Ollama");
		add(Keyword.RENDERER, "Flash uses the checkpoint's chat template");
		add(Keyword.PARSER, "Flash uses the checkpoint's chat template");
	}

	private Optional<Instruction> last(Parameter parameter) {
		return this.file.all(parameter).stream().reduce((first, second) -> second);
	}

	private void add(Keyword keyword, String reason) {
		this.file.last(keyword).ifPresent((one) -> add(one, reason));
	}

	private void add(Instruction one, String reason) {
		String place = (one.line() > 0) ? this.file.source() + ", line " + one.line() + ": " : "";
		this.notes.add(place + one.title() + " has no effect: " + reason + ".");
	}

}
