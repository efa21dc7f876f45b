package io.github.flashspring.engine.text;

import java.util.List;
import java.util.function.Predicate;

/**
 * How families of models write that they want tools to be called. A model's format is
 * known by the tags that its chat template writes or explains; the first that fits
 * counts.
 */
enum ToolFormat {

	/** No tools were given. */
	NONE((_) -> false, ToolSyntax.json("", ""), ToolWriting.NONE),

	/** Gemma 4: {@code <|tool_call>call:NAME{key:<|"|>text<|"|>}<tool_call|>}. */
	GEMMA4(mentions("<|tool_call>call:"),
			ToolSyntax.named("", "<|tool_call>", "<\\|tool_call>\\s*call:(?<name>[^\\s{]+)\\s*", "<tool_call|>", "")
				.withQuote("<|\"|>"),
			ToolWriting.of("<|tool_call>call:NAME{ARGUMENTS}<tool_call|>").withParameter("NAME:VALUE", ",")),

	/** Kimi K3: elements whose attributes tell the types of arguments. */
	KIMI_K3(mentions("<|open|>", "<|close|>", "'argument'").or(mentions("<|open|>", "<|close|>", "\"argument\"")),
			ToolSyntaxes.kimiK3(),
			ToolWriting
				.of("<|open|>tools<|sep|>",
						"<|open|>call tool=\"NAME\" index=\"INDEX\"<|sep|>ARGUMENTS<|close|>call<|sep|>", "",
						"<|close|>tools<|sep|>")
				.withParameter("<|open|>argument key=\"NAME\" type=\"TYPE\"<|sep|>VALUE<|close|>argument<|sep|>", "")),

	/** Kimi K2: {@code functions.NAME:0} and JSON between tags. */
	KIMI_K2(mentions("<|tool_calls_section_begin|>"), ToolSyntaxes.kimiK2(),
			ToolWriting.of("<|tool_calls_section_begin|>",
					"<|tool_call_begin|>functions.NAME:INDEX<|tool_call_argument_begin|>ARGUMENTS<|tool_call_end|>", "",
					"<|tool_calls_section_end|>")),

	/** Solar Open: id, name and JSON between tags. */
	SOLAR(mentions("<|tool_call:begin|>"), ToolSyntaxes.solar(),
			ToolWriting.of("<|tool_calls|>",
					"<|tool_call:begin|>ID<|tool_call:name|>NAME<|tool_call:args|>ARGUMENTS<|tool_call:end|>", "",
					"<|calls|>")),

	/** DeepSeek 4: XML with a prefix, which says what is a string. */
	DEEPSEEK_DSML4(mentions("｜DSML｜", "tool_calls>").and(mentions("function_calls>").negate()),
			ToolSyntax.invoke("｜DSML｜", "｜DSML｜tool_calls").with("｜DSML｜"),
			ToolWriting
				.of("<｜DSML｜tool_calls>\n", "<｜DSML｜invoke name=\"NAME\">\nARGUMENTS</｜DSML｜invoke>\n", "",
						"</｜DSML｜tool_calls>")
				.withParameter("<｜DSML｜parameter name=\"NAME\" string=\"ISSTRING\">VALUE</｜DSML｜parameter>\n", "")),

	/** DeepSeek 3.2: as 4, with another name around all calls. */
	DEEPSEEK_DSML(mentions("｜DSML｜"), ToolSyntax.invoke("｜DSML｜", "｜DSML｜function_calls").with("｜DSML｜"),
			ToolWriting
				.of("<｜DSML｜function_calls>\n", "<｜DSML｜invoke name=\"NAME\">\nARGUMENTS</｜DSML｜invoke>\n", "",
						"</｜DSML｜function_calls>")
				.withParameter("<｜DSML｜parameter name=\"NAME\" string=\"ISSTRING\">VALUE</｜DSML｜parameter>\n", "")),

	/**
	 * DeepSeek R1 and V3: {@code function}, a separator, the name and a block of JSON.
	 */
	DEEPSEEK_R1(mentions("<｜tool▁calls▁begin｜>", "```json"), ToolSyntaxes.deepSeek(),
			ToolWriting.of("<｜tool▁calls▁begin｜>",
					"<｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME\n```json\nARGUMENTS\n```<｜tool▁call▁end｜>", "\n",
					"<｜tool▁calls▁end｜>")),

	/** DeepSeek V3.1: the name, a separator and JSON. */
	DEEPSEEK(mentions("<｜tool▁calls▁begin｜>"), ToolSyntaxes.deepSeek(),
			ToolWriting.of("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>ARGUMENTS<｜tool▁call▁end｜>", "",
					"<｜tool▁calls▁end｜>")),

	/** Mistral Small 3.2: a name, an id and JSON. */
	MISTRAL_ID(mentions("[TOOL_CALLS]", "[CALL_ID]"), ToolSyntaxes.mistral(),
			ToolWriting.of("[TOOL_CALLS]NAME[CALL_ID]ID[ARGS]ARGUMENTS")),

	/** Mistral as of version 11 of its tokenizers: a name and JSON. */
	MISTRAL_NAMED(mentions("[TOOL_CALLS]", "[ARGS]"), ToolSyntaxes.mistral(),
			ToolWriting.of("[TOOL_CALLS]NAME[ARGS]ARGUMENTS")),

	/** Mistral before: an array of JSON objects. */
	MISTRAL(mentions("[TOOL_CALLS]"), ToolSyntaxes.mistral(),
			ToolWriting.of("[TOOL_CALLS] [", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]"),
			ToolWriting.of("[TOOL_CALLS] [", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS, \"id\": \"ID\"}", ", ",
					"]")),

	/** MiniMax M3: elements, with a token before each tag. */
	MINIMAX_M3(mentions("]<]minimax[>["), ToolSyntax.elements("]<]minimax[>["), ToolWriting
		.of("]<]minimax[>[<tool_call>\n", "]<]minimax[>[<invoke name=\"NAME\">ARGUMENTS]<]minimax[>[</invoke>\n", "",
				"]<]minimax[>[</tool_call>")
		.withParameter("]<]minimax[>[<NAME>VALUE]<]minimax[>[</NAME>", "")),

	/** MiniMax M2: XML. */
	MINIMAX_M2(mentions("<minimax:tool_call>"), ToolSyntax.invoke("", "minimax:tool_call"),
			ToolWriting
				.of("<minimax:tool_call>\n", "<invoke name=\"NAME\">\nARGUMENTS</invoke>\n", "", "</minimax:tool_call>")
				.withParameter("<parameter name=\"NAME\">VALUE</parameter>\n", "")),

	/** Muse Glimmer: XML with the prefix {@code atem:} in messages to recipients. */
	ATEM(mentions("<atem:function_calls>"),
			ToolSyntax.invoke("atem:", "atem:function_calls").with("<|start|>", "<|message|>", "<|eom|>"),
			ToolWriting.of("",
					" to=NAME<|message|><atem:function_calls>\n<atem:invoke name=\"NAME\">\nARGUMENTS</atem:invoke>\n"
							+ "</atem:function_calls>",
					"<|eom|><|start|>assistant", "")
				.withParameter("<atem:parameter name=\"NAME\">VALUE</atem:parameter>\n", "")),

	/** Seed-OSS: XML as Qwen's, with values within the line. */
	SEED(mentions("<seed:tool_call>"),
			ToolSyntax.xml("<seed:tool_call>", "<function=", ToolSyntaxes.functionTags(false), "</function>",
					"</seed:tool_call>"),
			ToolWriting.of("", "<seed:tool_call>\n<function=NAME>\nARGUMENTS</function>\n</seed:tool_call>", "\n", "")
				.withParameter("<parameter=NAME>VALUE</parameter>\n", "")),

	/** Qwen3-Coder, Qwen3.5, Nemotron 3: XML; the outer tag is sometimes left out. */
	XML(mentions("<function=", "<parameter=").or(mentions("<function=", "<tool_call>")),
			ToolSyntax.xml("<tool_call>", "<function=", ToolSyntaxes.functionTags(true), "</function>", "</tool_call>"),
			ToolWriting.of("", "<tool_call>\n<function=NAME>\nARGUMENTS</function>\n</tool_call>", "\n", "")
				.withParameter("<parameter=NAME>\nVALUE\n</parameter>\n", "")),

	/** Functionary 3.1: a name and JSON. */
	FUNCTION(mentions("<function="),
			ToolSyntax.named("", "<function=", "<function=\\s*(?<name>[^\\s>{]+)\\s*>\\s*", "</function>", ""),
			ToolWriting.of("<function=NAME>ARGUMENTS</function>")),

	/** MiniCPM 5: XML with the value in a block of CDATA where it needs one. */
	MINICPM5(mentions("<function name=\"", "<param name=\""),
			ToolSyntax
				.xml("", "<function name=\"",
						new ToolSyntax.Tags("<function name=\"(?<name>[^\"\\n]+)\"\\s*>", "<param name=\"",
								"<param name=\"(?<key>[^\"\\n]+)\"\\s*>", "</param>", false),
						"</function>", "")
				.withQuote("<![CDATA["),
			ToolWriting.of("", "<function name=\"NAME\">ARGUMENTS</function>", "\n", "")
				.withParameter("<param name=\"NAME\">VALUE</param>", "")),

	/** Hunyuan 3: as GLM, with a suffix on each tag. */
	HUNYUAN3(mentions("<arg_key{}>"),
			ToolSyntax
				.keysAndValues("<tool_calls:opensource>", ":opensource", "(?:<tool_sep:opensource>)?",
						"</tool_calls:opensource>")
				.with("<tool_sep:opensource>", "</arg_key:opensource>", "<arg_value:opensource>"),
			ToolWriting
				.of("<tool_calls:opensource>\n",
						"<tool_call:opensource>NAME<tool_sep:opensource>\nARGUMENTS</tool_call:opensource>\n", "",
						"</tool_calls:opensource>")
				.withParameter("<arg_key:opensource>NAME</arg_key:opensource>\n"
						+ "<arg_value:opensource>VALUE</arg_value:opensource>\n", "")),

	/** GLM 4 and 5: names and values of arguments between tags of their own. */
	GLM(mentions("<arg_key>"), ToolSyntax.keysAndValues("", "", "", "").with("</arg_key>", "<arg_value>"),
			ToolWriting.of("", "<tool_call>NAME\nARGUMENTS</tool_call>", "\n", "")
				.withParameter("<arg_key>NAME</arg_key>\n<arg_value>VALUE</arg_value>\n", "")),

	/** Hunyuan: a name and a block of JSON between tags. */
	HUNYUAN(mentions("<tool_sep>"),
			ToolSyntax
				.named("<tool_calls>", "<tool_call>",
						"<tool_call>\\s*(?:function\\s*)?<tool_sep>\\s*(?<name>[^\\s<`{]+)\\s*```(?:json)?\\s*",
						"</tool_call>", "</tool_calls>")
				.with("<tool_sep>"),
			ToolWriting.of("<tool_calls>", "<tool_call>function<tool_sep>NAME\n```json\nARGUMENTS\n```</tool_call>", "",
					"</tool_calls>")),

	/**
	 * Hunyuan, Apriel: an array of JSON objects; MiniMax M1: JSON objects, one a line.
	 */
	TOOL_CALLS(mentions("<tool_calls>"), ToolSyntax.json("<tool_calls>", "</tool_calls>"),
			ToolWriting.of("<tool_calls>[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]</tool_calls>"),
			ToolWriting.of("<tool_calls>\n", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", "\n",
					"\n</tool_calls>")),

	/** Nemotron Nano 2, Llama-Nemotron: an array of JSON objects. */
	NEMOTRON(mentions("<TOOLCALL>"), ToolSyntax.json("<TOOLCALL>", "</TOOLCALL>"),
			ToolWriting.of("<TOOLCALL>[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]</TOOLCALL>")),

	/** Hermes, Qwen, Granite 4, EXAONE, ERNIE, SmolLM3: a JSON object. */
	HERMES(mentions("<tool_call>"), ToolSyntax.json("<tool_call>", "</tool_call>"),
			ToolWriting.of("", "<tool_call>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}\n</tool_call>", "\n", "")),

	/** Phi-4-mini: an array of JSON objects. */
	PHI4(mentions("<|/tool_call|>").or(mentions("<|/tool|>")),
			ToolSyntax.json("<|tool_call|>", "<|/tool_call|>").withOpeners("<|tool_call|>", "functools"),
			ToolWriting.of("<|tool_call|>[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ",
					"]<|/tool_call|>")),

	/** Granite 3: an array of JSON objects, up to the end. */
	GRANITE3(mentions("<|tool_call|>"),
			ToolSyntax.json("<|tool_call|>", "").withOpeners("<|tool_call|>", "<tool_call>"),
			ToolWriting.of("<|tool_call|>[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]")),

	/** Cohere Command R7B and A: an array of JSON objects. */
	COHERE(mentions("<|START_ACTION|>"), ToolSyntax.json("<|START_ACTION|>", "<|END_ACTION|>"),
			ToolWriting.of("<|START_ACTION|>[\n",
					"    {\"tool_call_id\": \"INDEX\", \"tool_name\": \"NAME\", \"parameters\": ARGUMENTS}", ",\n",
					"\n]<|END_ACTION|>")),

	/** Cohere Command R: a block of JSON. */
	COMMAND_R(mentions("Action:", "directly-answer"),
			ToolSyntax.json("Action:\n```json", "```")
				.withOpeners("Action:\n```json", "Action: ```json", "Action:```json"),
			ToolWriting.of("Action:\n```json\n[\n",
					"    {\n        \"tool_name\": \"NAME\",\n        \"parameters\": ARGUMENTS\n    }", ",\n",
					"\n]```")),

	/** Apertus: an array of objects whose only key is the tool's name. */
	APERTUS(mentions("<|tools_prefix|>"), ToolSyntax.json("<|tools_prefix|>", "<|tools_suffix|>").withKeys(),
			ToolWriting.of("<|tools_prefix|>[", "{\"NAME\": ARGUMENTS}", ", ", "]<|tools_suffix|>")),

	/** LFM2: Python; MiniCPM 3: Python in a block of code. */
	LFM2(mentions("<|tool_call_start|>").or(mentions("<|tool_list_start|>")).or(mentions("List of tools: [")),
			ToolSyntax.python("<|tool_call_start|>", "<|tool_call_end|>"),
			ToolWriting.of("<|tool_call_start|>[", "NAME(ARGUMENTS)", ", ", "]<|tool_call_end|>")
				.withParameter("NAME=VALUE", ", "),
			ToolWriting.of("<|tool_call_start|>\n```python\n", "NAME(ARGUMENTS)", "\n", "\n```\n<|tool_call_end|>")
				.withParameter("NAME=VALUE", ", ")),

	/** OLMo 3: Python, one call a line. */
	OLMO3(mentions("<function_calls>"), ToolSyntax.python("<function_calls>", "</function_calls>"),
			ToolWriting.of("<function_calls>\n", "NAME(ARGUMENTS)", "\n", "\n</function_calls>")
				.withParameter("NAME=VALUE", ", ")),

	/** GigaChat 3: a message of its own with a JSON object. */
	GIGACHAT(mentions("<|role_sep|>", "function call"),
			ToolSyntax.json("function call<|role_sep|>", "<|message_sep|>")
				.withOpeners("function call<|role_sep|>", "<|function_call|>")
				.with("<|role_sep|>"),
			ToolWriting.of("", "function call<|role_sep|>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}",
					"<|message_sep|>", ""),
			ToolWriting.of("", "function call<|role_sep|>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}",
					"<|message_sep|>", "<|message_sep|>")),

	/** Firefunction: an array of JSON objects. */
	FIREFUNCTION(mentions("functools["), ToolSyntax.json("functools", ""),
			ToolWriting.of("functools[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]")),

	/** Functionary 3.2: messages to recipients, of which one is everybody. */
	RECIPIENT(mentions(">>>all"), ToolSyntax.named("", ">>>", ">>>\\s*(?<name>[^\\s{>]+)\\s*\\n\\s*", "", ""),
			ToolWriting.of(">>>NAME\nARGUMENTS")),

	/** Functionary 2: as 3.2, with tags. */
	RECIPIENT_TAG(mentions("<|recipient|>", "<|content|>"),
			ToolSyntax
				.named("", "<|recipient|>", "<\\|recipient\\|>\\s*(?<name>[^\\s<]+)\\s*<\\|content\\|>\\s*", "", "")
				.with("<|from|>", "<|content|>"),
			ToolWriting.of("", "<|recipient|>NAME\n<|content|>ARGUMENTS", "\n<|from|>assistant\n", "")),

	/** Llama 4: Python or JSON, with tags or without. */
	LLAMA4(mentions("<|header_start|>"), ToolSyntax.python("<|python_start|>", "<|python_end|>"),
			ToolWriting.of("[", "NAME(ARGUMENTS)", ", ", "]").withParameter("NAME=VALUE", ", ")),

	/** Llama 3: JSON objects, behind a tag or without one; xLAM: an array of them. */
	LLAMA(mentions("<|python_tag|>").or(mentions("<|start_header_id|>", "\"parameters\"")),
			ToolSyntax.json("<|python_tag|>", ""),
			ToolWriting.of("", "{\"name\": \"NAME\", \"parameters\": ARGUMENTS}", "; ", ""),
			ToolWriting.of("", "{\"name\": \"NAME\", \"parameters\": ARGUMENTS}", "\n", ""),
			ToolWriting.of("[", "{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]")),

	/** Gemma 3: Python in a block of code. */
	TOOL_CODE(mentions("```tool_code"), ToolSyntax.python("```tool_code", "```"),
			ToolWriting.of("```tool_code\n", "NAME(ARGUMENTS)", "\n", "\n```").withParameter("NAME=VALUE", ", ")),

	/** What models write that were given tools in other ways. */
	GENERIC((_) -> true, ToolSyntax.json("<tool_call>", "</tool_call>"),
			ToolWriting.of("", "<tool_call>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}\n</tool_call>", "\n", ""));

	private final Predicate<ChatTemplate> template;

	private final ToolSyntax syntax;

	private final List<ToolWriting> writings;

	ToolFormat(Predicate<ChatTemplate> template, ToolSyntax syntax, ToolWriting... writings) {
		this.template = template;
		this.syntax = syntax;
		this.writings = List.of(writings);
	}

	private static Predicate<ChatTemplate> mentions(String... texts) {
		return (template) -> List.of(texts).stream().allMatch(template::mentions);
	}

	/**
	 * How calls are read.
	 * @return their syntax
	 */
	ToolSyntax syntax() {
		return this.syntax;
	}

	/**
	 * How calls are written.
	 * @return the texts between names and arguments
	 */
	ToolWriting writing() {
		return this.writings.getFirst();
	}

	/**
	 * All ways to write calls that templates of this format have. They write parameters
	 * alike.
	 * @return the usual one first
	 */
	List<ToolWriting> writings() {
		return this.writings;
	}

	/**
	 * Texts that are left out of the answer.
	 * @return for instance the recipient of messages to the user
	 */
	List<String> silent() {
		return switch (this) {
			case KIMI_K3 -> List.of("<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>");
			case ATEM -> List.of("<|start|>assistant", "<|eom|>");
			case RECIPIENT -> List.of(">>>all\n");
			case RECIPIENT_TAG -> List.of("<|from|>assistant\n", "<|recipient|>all\n<|content|>");
			default -> List.of();
		};
	}

	/**
	 * The format of a model.
	 * @param template the model's template
	 * @return its format
	 */
	static ToolFormat of(ChatTemplate template) {
		return template.writesCallsAsBlocks() ? HERMES : ofSource(template);
	}

	/**
	 * The format that the text of a template tells.
	 * @param template the template
	 * @return the format, {@link #GENERIC} if it tells none
	 */
	static ToolFormat ofSource(ChatTemplate template) {
		for (ToolFormat format : values()) {
			if (format.template.test(template)) {
				return format;
			}
		}
		return GENERIC;
	}

}
