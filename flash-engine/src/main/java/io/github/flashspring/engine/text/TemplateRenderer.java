package io.github.flashspring.engine.text;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import io.github.flashspring.jinja.JinjaException;
import io.github.flashspring.jinja.JinjaTemplate;
import io.github.flashspring.jinja.Limits;
import io.github.flashspring.jinja.MarkedText;
import io.github.flashspring.jinja.Untrusted;

import org.jspecify.annotations.Nullable;

/**
 * Renders the turns of a conversation as they are: passes them, the tools and all other
 * variables to a model's templates.
 */
final class TemplateRenderer {

	/**
	 * Of one conversation of a few words; those of real templates take thousands of
	 * steps.
	 */
	private static final Limits PROBE_LIMITS = new Limits(1 << 20, 1 << 20, 100_000, 1_000_000, 600);

	private static final DateTimeFormatter DATE_TIME = DateTimeFormatter.ofPattern("MMM dd yyyy HH:mm:ss", Locale.ROOT);

	private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

	private final Map<String, TemplateSource> sources;

	private final Map<String, Object> specialTokens;

	private final Clock clock;

	/**
	 * A renderer.
	 * @param sources by the templates' names
	 * @param specialTokens variables such as {@code bos_token}
	 * @param clock what the template takes for the current time
	 */
	TemplateRenderer(Map<String, TemplateSource> sources, Map<String, Object> specialTokens, Clock clock) {
		this.sources = sources;
		this.specialTokens = specialTokens;
		this.clock = clock;
	}

	/**
	 * Renders a conversation.
	 * @param turns the messages
	 * @param tools the tools that the template defines
	 * @param form how messages and tools are passed
	 * @param prompt whether to add the generation prompt
	 * @param more further variables, which are untrusted
	 * @param probe whether to find out what the template does, within tight limits
	 * @return the text
	 * @throws ChatTemplateException if the template fails or refuses the conversation
	 */
	MarkedText render(List<Turn> turns, List<ToolDefinition> tools, MessageForm form, boolean prompt,
			Map<String, ? extends @Nullable Object> more, boolean probe) {
		Map<String, @Nullable Object> variables = new LinkedHashMap<>(this.specialTokens);
		variables.put("documents", null);
		more.forEach((name, value) -> variables.put(name, new Untrusted(value)));
		variables.put("messages", turns.stream().map((turn) -> turn.toMap(form, isKnown(turn.role()))).toList());
		boolean none = tools.isEmpty() && form.variables() == MessageForm.Variables.USUAL;
		variables.put("tools", none ? null : tools.stream().map((tool) -> toMap(tool, form)).toList());
		if (form.variables() == MessageForm.Variables.FUNCTIONS) {
			List<Map<String, @Nullable Object>> functions = tools.stream().map(GenericTools::definition).toList();
			variables.put("functions", new Untrusted(ModelFiles.JSON.writeValueAsString(functions)));
			variables.put("datetime", DATE_TIME.format(ZonedDateTime.now(this.clock)));
		}
		variables.put("add_generation_prompt", prompt);
		return renderVariables(variables, !tools.isEmpty(), probe);
	}

	private MarkedText renderVariables(Map<String, ? extends @Nullable Object> variables, boolean withTools,
			boolean probe) {
		TemplateSource source = source(withTools);
		try {
			JinjaTemplate template = source.template();
			return (probe ? template.within(PROBE_LIMITS) : template).render(variables, this.clock);
		}
		catch (JinjaException ex) {
			throw failure(ex, source.name());
		}
	}

	private TemplateSource source(boolean withTools) {
		TemplateSource source = withTools ? this.sources.get(TemplateSource.TOOL_USE) : null;
		source = (source != null) ? source : this.sources.get(TemplateSource.DEFAULT);
		if (source == null) {
			throw new ChatTemplateException(
					"The model has the chat templates " + this.sources.keySet() + ", but none named 'default'.",
					"Put the one to use into chat_template.jinja.", null);
		}
		return source;
	}

	String name() {
		TemplateSource source = this.sources.get(TemplateSource.DEFAULT);
		return (source != null) ? source.name() : String.valueOf(this.sources.keySet());
	}

	/**
	 * The token that ends a text.
	 * @return its text; empty if the model has none
	 */
	String endOfText() {
		return (this.specialTokens.get("eos_token") instanceof String token) ? token : "";
	}

	private static ChatTemplateException failure(JinjaException ex, String name) {
		String where = (ex.line() > 0) ? name + ", line " + ex.line() : name;
		return switch (ex.kind()) {
			case RAISED -> new ChatTemplateException(
					"The chat template " + where + " refuses the conversation: " + ex.getMessage(),
					"Change the messages or tools accordingly.", ex);
			case LIMIT ->
				new ChatTemplateException("The chat template " + where + " uses too much: " + ex.getMessage() + ".",
						"Shorten the conversation, or correct the template.", ex);
			default -> new ChatTemplateException("The chat template " + where + " failed: " + ex.getMessage() + ".",
					"Change the messages or tools, or correct the template.", ex);
		};
	}

	private static Map<String, @Nullable Object> toMap(ToolDefinition tool, MessageForm form) {
		Map<String, @Nullable Object> map = new LinkedHashMap<>(GenericTools.definition(tool));
		if (form.described()) {
			map.put("function", described(map.get("function")));
		}
		map.put("function", new Untrusted(map.get("function")));
		return map;
	}

	/**
	 * A schema in which each property has a description.
	 */
	private static @Nullable Object described(@Nullable Object schema) {
		if (schema instanceof List<?> list) {
			return list.stream().map(TemplateRenderer::described).toList();
		}
		if (!(schema instanceof Map<?, ?> map)) {
			return schema;
		}
		Map<Object, @Nullable Object> described = new LinkedHashMap<>();
		map.forEach((name, value) -> {
			Object inner = described(value);
			if (name.equals("properties") && inner instanceof Map<?, ?> properties) {
				Map<Object, @Nullable Object> all = new LinkedHashMap<>();
				properties.forEach((property, own) -> all.put(property, withDescription(own)));
				inner = all;
			}
			described.put(name, inner);
		});
		return described;
	}

	private static @Nullable Object withDescription(@Nullable Object property) {
		if (!(property instanceof Map<?, ?> map) || map.containsKey("description")) {
			return property;
		}
		Map<Object, @Nullable Object> described = new LinkedHashMap<>(map);
		described.put("description", "");
		return described;
	}

	/**
	 * Whether a role is one that templates make control tokens of, as in
	 * {@code '<|' + role + '|>'}.
	 */
	private boolean isKnown(String role) {
		return ROLES.contains(role) || mentions("'" + role + "'") || mentions("\"" + role + "\"");
	}

	/**
	 * Whether a template's source contains a text.
	 * @param text the text
	 * @return whether any of the named templates contains it
	 */
	boolean mentions(String text) {
		return this.sources.values().stream().anyMatch((source) -> source.text().contains(text));
	}

}
