package io.github.flashspring.engine.text;

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

	/**
	 * What stands before and behind reasoning, and what of it a template has if it puts
	 * these together; the last is the most common.
	 */
	List<List<String>> THINKING = List.of(List.of("[THINK]", "[/THINK]"),
			List.of("<|START_THINKING|>", "<|END_THINKING|>"), List.of("<seed:think>", "</seed:think>"),
			List.of("<|inner_prefix|>", "<|inner_suffix|>"), List.of("<mm:think>", "</mm:think>"),
			List.of("<|channel>thought", "<channel|>"),
			List.of("<|open|>think<|sep|>", "<|close|>think<|sep|>", "open_tag('think')"),
			List.of("to=self<|message|>", "<|eom|>", "<atem:function_calls>"),
			List.of("<think:opensource>", "</think:opensource>", "<think{}>"), List.of("<think>", "</think>"));

	/**
	 * The tags of reasoning.
	 * @param template a model's template
	 * @return what stands before and behind reasoning; empty if the model does not think
	 */
	static List<String> thinkingTags(ChatTemplate template) {
		for (List<String> tags : THINKING) {
			boolean named = (tags.size() > 2) ? template.mentions(tags.get(2))
					: template.mentions(tags.getFirst()) && template.mentions(tags.get(1));
			if (named) {
				return tags.subList(0, 2);
			}
		}
		return template.mentions("</think>") ? THINKING.getLast() : List.of();
	}

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
		List<String> think = thinkingTags(template);
		return new TaggedOutput(ToolFormat.of(template), !tools.isEmpty(), reader, prompt,
				think.isEmpty() ? null : think.getFirst(), think.isEmpty() ? "" : think.get(1));
	}

	/**
	 * A parser that takes everything for text, for prompts that are not conversations.
	 * @return the parser
	 */
	static OutputParser plain() {
		return new TaggedOutput(ToolFormat.NONE, false, new ToolCallReader(List.of(), OutputParser::randomId), "", null,
				"");
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
	 * Ends the answer where the model ended it.
	 * @return what was held back
	 */
	List<OutputEvent> flush();

	/**
	 * Ends the answer where it was cut off although the model would have gone on. What
	 * counts only at the end of an answer is no call then, and a call that is not whole
	 * is left out if others are.
	 * @return what was held back
	 */
	List<OutputEvent> cut();

}
