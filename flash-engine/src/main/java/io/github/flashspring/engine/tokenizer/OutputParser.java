package io.github.flashspring.engine.tokenizer;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Tells answer, reasoning and tool calls apart in what a model says, while it comes. How
 * a piece is cut into smaller ones does not change what comes out. A tool call that does
 * not read as one comes out as text, tags and all. For one thread and one answer.
 */
public sealed interface OutputParser permits SteppedOutput {

	/** What stands before and behind reasoning. */
	List<List<String>> THINKING = List.of(List.of("[THINK]", "[/THINK]"), List.of("<think>", "</think>"));

	/**
	 * A parser for the answer to a prompt.
	 * @param template the template that made the prompt; it tells the model's format
	 * @param prompt the prompt; it may end within reasoning
	 * @param tools tools that were given to the model; without tools, nothing is read as
	 * a call
	 * @return the parser
	 */
	static OutputParser create(ChatTemplate template, String prompt, List<ToolDefinition> tools) {
		return create(template, prompt, tools, OutputParser::randomId);
	}

	/**
	 * As {@link #create(ChatTemplate, String, List)}, with ids of one's own.
	 * @param template the template that made the prompt
	 * @param prompt the prompt
	 * @param tools tools that were given to the model
	 * @param ids makes ids for calls that the model does not name
	 * @return the parser
	 */
	static OutputParser create(ChatTemplate template, String prompt, List<ToolDefinition> tools, Supplier<String> ids) {
		ToolCallReader reader = new ToolCallReader(tools, ids);
		if (HarmonyOutput.isFormatOf(template)) {
			return new HarmonyOutput(prompt, reader, !tools.isEmpty());
		}
		boolean mistral = template.mentions("[THINK]") && template.mentions("[/THINK]");
		String begin = mistral ? "[THINK]" : template.mentions("</think>") ? "<think>" : null;
		String end = mistral ? "[/THINK]" : "</think>";
		boolean thinking = begin != null && prompt.stripTrailing().endsWith(begin);
		return new TaggedOutput(tools.isEmpty() ? ToolFormat.NONE : ToolFormat.of(template), reader, begin, end,
				thinking);
	}

	/**
	 * A parser that takes everything for text, for prompts that are not conversations.
	 * @return the parser
	 */
	static OutputParser plain() {
		return new TaggedOutput(ToolFormat.NONE, new ToolCallReader(List.of(), OutputParser::randomId), null, "",
				false);
	}

	/**
	 * An id as all models' templates accept it: Mistral's wants nine letters and digits.
	 */
	private static String randomId() {
		String characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
		StringBuilder id = new StringBuilder();
		for (int i = 0; i < 9; i++) {
			id.append(characters.charAt(ThreadLocalRandom.current().nextInt(characters.length())));
		}
		return id.toString();
	}

	/**
	 * Texts that the parser must see although they may be special tokens, for
	 * {@link Tokenizer#streamDecoder(Set)}.
	 * @return the texts
	 */
	Set<String> markers();

	/**
	 * Takes the next piece.
	 * @param piece text, of any length
	 * @return what became certain
	 */
	List<OutputEvent> append(String piece);

	/**
	 * Ends the answer.
	 * @return what was held back
	 */
	List<OutputEvent> flush();

}
