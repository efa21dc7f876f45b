package io.github.flashspring.engine.tokenizer;

import java.util.List;

/**
 * How a family of models writes that it wants a tool to be called.
 */
enum ToolFormat {

	/** The model knows no tools. */
	NONE(List.of()),

	/** Hermes, Qwen: {@code <tool_call>{"name": …, "arguments": {…}}</tool_call>}. */
	HERMES(List.of("<tool_call>")),

	/**
	 * Qwen3-Coder, Nemotron:
	 * {@code <tool_call><function=name><parameter=x>…</parameter></function></tool_call>}.
	 * The outer tag is sometimes left out.
	 */
	XML(List.of("<tool_call>", "<function=")),

	/**
	 * Mistral: {@code [TOOL_CALLS][{"name": …, "arguments": {…}}]}, since version 11
	 * {@code [TOOL_CALLS]name[ARGS]{…}}.
	 */
	MISTRAL(List.of("[TOOL_CALLS]")),

	/**
	 * Llama 3: <code>&lt;|python_tag|&gt;{"name": …, "parameters": {…}}</code>, or the
	 * object alone at the beginning.
	 */
	LLAMA(List.of("<|python_tag|>")),

	/**
	 * DeepSeek: between the tags of all calls, and those of each, {@code function}, a
	 * separator, the name and the arguments as a block of JSON; since V3.1 the name, the
	 * separator and the arguments.
	 */
	DEEPSEEK(List.of("<｜tool▁calls▁begin｜>"));

	/** What stands behind the last call of {@link #DEEPSEEK}. */
	static final String DEEPSEEK_END = "<｜tool▁calls▁end｜>";

	/** Begin and end of a call of {@link #DEEPSEEK}, and what divides it. */
	static final List<String> DEEPSEEK_TAGS = List.of("<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>",
			DEEPSEEK_END);

	private final List<String> markers;

	ToolFormat(List<String> markers) {
		this.markers = markers;
	}

	/**
	 * Texts that open a call.
	 * @return the markers; some are special tokens
	 */
	List<String> markers() {
		return this.markers;
	}

	/**
	 * The format of a model, told by the tags that its chat template writes or explains.
	 * @param template the model's template
	 * @return its format
	 */
	static ToolFormat of(ChatTemplate template) {
		return template.writesCallsAsBlocks() ? HERMES : ofSource(template);
	}

	/**
	 * The format that a template's source shows.
	 * @param template the model's template
	 * @return its format
	 */
	static ToolFormat ofSource(ChatTemplate template) {
		if (template.mentions("<tool_call>")) {
			return template.mentions("<function=") ? XML : HERMES;
		}
		if (template.mentions("[TOOL_CALLS]")) {
			return MISTRAL;
		}
		if (template.mentions("<｜tool▁calls▁begin｜>")) {
			return DEEPSEEK;
		}
		boolean llama = template.mentions("<|python_tag|>")
				|| template.mentions("<|start_header_id|>") && template.mentions("\"parameters\"");
		return llama ? LLAMA : NONE;
	}

}
