package io.github.flashspring.engine.modelfile;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a line of a Modelfile begins with: Ollama's commands, and Flash's own. Upper and
 * lower case are the same.
 */
public enum Keyword {

	/** The model: a folder, a hub id, or the name of a created model. */
	FROM,
	/** A parameter by name, such as {@code num_ctx 4096}. */
	PARAMETER,
	/** A chat template. */
	TEMPLATE,
	/** What the model is told about its task. */
	SYSTEM,
	/** Weights that are added to those of the model. */
	ADAPTER,
	/** A text of a licence; may come several times. */
	LICENSE,
	/** A message of a role before the conversation; may come several times. */
	MESSAGE,
	/** The version of Ollama that the file was written for. */
	REQUIRES,
	/** A small model that guesses tokens. */
	DRAFT,
	/** A template that is built into Ollama, by name. */
	RENDERER,
	/** A reader of answers that is built into Ollama, by name. */
	PARSER,
	/** Whether weights that do not fit are streamed from disk. */
	FLASH,
	/** Memory that the engine may use, in gigabytes. */
	FLASH_RAM_GB,
	/** Threads that compute. */
	FLASH_THREADS,
	/** Layers that are read before they are needed. */
	FLASH_PREFETCH_LAYERS,
	/** Bits per weight below which a warning is given. */
	FLASH_QUANT_WARN_BELOW,
	/** Experts per token. */
	FLASH_TOP_K,
	/** What happens to pages of weights after use. */
	FLASH_EVICTION;

	/**
	 * Finds a keyword.
	 * @param text as written
	 * @return the keyword, if there is one of that name
	 */
	static Optional<Keyword> of(String text) {
		String upper = text.toUpperCase(Locale.ROOT);
		return Arrays.stream(values()).filter((keyword) -> keyword.name().equals(upper)).findFirst();
	}

	static List<String> names() {
		return Arrays.stream(values()).map(Keyword::name).toList();
	}

	/**
	 * {@return whether only Flash knows it; written as a comment, so that Ollama reads
	 * the same file}
	 */
	public boolean isFlash() {
		return ordinal() >= FLASH.ordinal();
	}

}
