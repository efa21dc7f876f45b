package io.github.flashspring.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A template in the Jinja language, rendered as Python's Jinja2 3.1 does in the way that
 * Hugging Face's transformers sets it up for chat templates: immutable sandbox,
 * {@code trim_blocks}, {@code lstrip_blocks}, loop controls, its own {@code tojson},
 * {@code raise_exception}, {@code strftime_now} and the tag {@code generation}.
 * <p>
 * This is an interpreter of our own, after the language's documentation, since the one
 * engine for the JVM that Maven Central has, jinjava 2.8.4, has another expression
 * language: with its most Python-like settings and our own {@code tojson} it renders 93
 * of 124 conversations of thirteen published templates as Python does, 19 of 29 published
 * end-to-end cases and 68 of 157 small ones, and some of the wrong ones silently, without
 * a tool's schema or the generation prompt. Most differences sit in its grammar, where
 * filters and settings do not reach.
 * <p>
 * A template is immutable and may be rendered by several threads.
 */
public final class JinjaTemplate {

	private static final int MAX_NESTED_VALUES = 200;

	private final List<Statement> statements;

	private final Limits limits;

	private JinjaTemplate(List<Statement> statements, Limits limits) {
		this.statements = statements;
		this.limits = limits;
	}

	/**
	 * Reads a template.
	 * @param source its source
	 * @param limits what it may use at most
	 * @return the template
	 * @throws JinjaException if the source is too long or not a template
	 */
	public static JinjaTemplate parse(String source, Limits limits) {
		if (source.length() > limits.source()) {
			throw JinjaException
				.limit("the source has " + source.length() + " characters, more than " + limits.source());
		}
		try {
			return new JinjaTemplate(Parser.parse(source), limits);
		}
		catch (StackOverflowError ex) {
			throw JinjaException.limit("the source is nested too deep");
		}
	}

	/**
	 * Renders the template.
	 * @param variables name to value: null, texts, booleans, numbers, lists and maps of
	 * these, and {@link Untrusted} around any of them
	 * @param clock what {@code strftime_now} reads
	 * @return the text, in which the characters of untrusted variables are marked
	 * @throws JinjaException if the template fails, raises an error or exceeds its limits
	 * @throws IllegalArgumentException if a variable has a value of another type
	 */
	public MarkedText render(Map<String, ?> variables, Clock clock) {
		Rendering rendering = new Rendering(new Budget(this.limits));
		Map<String, Object> names = new HashMap<>(Globals.functions(clock));
		variables.forEach((name, value) -> names.put(name, convert(value, name, 0, false)));
		try {
			rendering.run(this.statements, Scope.outermost(names));
			return rendering.output();
		}
		catch (JinjaException ex) {
			throw ex.at(rendering.line());
		}
		catch (StackOverflowError ex) {
			throw JinjaException.limit("nested deeper than this thread's stack allows").at(rendering.line());
		}
	}

	/**
	 * The same template with other limits.
	 * @param newLimits what it may use at most
	 * @return the template
	 */
	public JinjaTemplate within(Limits newLimits) {
		return new JinjaTemplate(this.statements, newLimits);
	}

	private static Object convert(@Nullable Object value, String where, int depth, boolean untrusted) {
		if (depth > MAX_NESTED_VALUES) {
			throw new IllegalArgumentException(
					"Template variable '" + where + "' is nested more than " + MAX_NESTED_VALUES + " levels deep");
		}
		return switch (value) {
			case null -> None.NONE;
			case Untrusted outside -> convert(outside.value(), where, depth + 1, true);
			case MarkedText text -> text;
			case String text -> text(text, untrusted);
			case Boolean truth -> truth;
			case Long number -> number;
			case Integer number -> number.longValue();
			case Short number -> number.longValue();
			case Byte number -> number.longValue();
			case BigInteger number -> Arithmetic.normalize(number);
			case Double number -> number;
			case Float number -> Double.valueOf(number.toString());
			case BigDecimal number -> number.doubleValue();
			case Enum<?> constant -> text(constant.name(), untrusted);
			case CharSequence text -> text(text.toString(), untrusted);
			case Collection<?> items -> {
				List<Object> list = new ArrayList<>(items.size());
				items.forEach((item) -> list.add(convert(item, where, depth + 1, untrusted)));
				yield list;
			}
			case Map<?, ?> map -> {
				Map<Object, Object> dict = new LinkedHashMap<>();
				map.forEach((key, item) -> dict.put(convert(key, where, depth + 1, untrusted),
						convert(item, where, depth + 1, untrusted)));
				yield dict;
			}
			default -> throw new IllegalArgumentException("Template variable '" + where + "' holds a "
					+ value.getClass().getName() + "; expected text, boolean, number, list or map");
		};
	}

	private static MarkedText text(String text, boolean untrusted) {
		return untrusted ? MarkedText.untrusted(text) : MarkedText.trusted(text);
	}

}
