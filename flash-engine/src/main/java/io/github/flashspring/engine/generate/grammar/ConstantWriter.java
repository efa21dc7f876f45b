package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * Writes values and keys that a schema gives, in a {@link Notation}.
 */
final class ConstantWriter {

	/** Keys without quotes end with a colon. */
	private static final Pattern UNQUOTED_KEY = Pattern.compile("[\\p{L}_$][\\p{L}\\p{Nd}_.$-]*");

	private final Notation notation;

	/** White space between tokens. */
	private final Expr space;

	ConstantWriter(Notation notation, Expr space) {
		this.notation = notation;
		this.space = space;
	}

	List<String> words(String json) {
		if (this.notation.style() != Notation.Style.PYTHON) {
			return List.of(json);
		}
		return List.of(json, switch (json) {
			case "true" -> "True";
			case "false" -> "False";
			default -> "None";
		});
	}

	static String number(JsonNode value) {
		BigDecimal number = value.decimalValue().stripTrailingZeros();
		return (Math.abs((long) number.scale()) <= 50) ? number.toPlainString() : number.toString();
	}

	/** Strings, with their quotes; those that cannot be written are left out. */
	Expr texts(List<String> texts) {
		Regex without = this.notation.without();
		TextAutomaton forbidden = (without != null) ? TextAutomaton.of(List.of(without), false, 0, Expr.UNBOUNDED)
				: null;
		List<String> allowed = texts.stream()
			.filter((text) -> forbidden == null || forbidden.label(text) == 0)
			.toList();
		if (this.notation.style() == Notation.Style.QUOTED) {
			return Expr.seq(this.notation.quote(), Expr.literals(allowed), this.notation.quote());
		}
		List<String> written = new ArrayList<>();
		for (String text : allowed) {
			String quoted = quoted(text);
			written.add(quoted);
			// apostrophes and escapes are written with quotation marks alone
			if (this.notation.style() == Notation.Style.PYTHON && quoted.length() == text.length() + 2
					&& text.indexOf('\'') < 0) {
				written.add("'" + text + "'");
			}
		}
		return Expr.literals(written);
	}

	Expr container(JsonNode value) {
		List<Expr> parts = new ArrayList<>();
		if (value.isObject()) {
			value.propertyStream().forEach((property) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "{" : ",")));
				parts.add(this.space);
				parts.add(key(property.getKey()));
				parts.add(this.space);
				parts.add(value(property.getValue()));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("{}")) : List.of(this.space, Expr.literal("}")));
		}
		else {
			value.valueStream().forEach((item) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "[" : ",")));
				parts.add(this.space);
				parts.add(value(item));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("[]")) : List.of(this.space, Expr.literal("]")));
		}
		return new Expr.Seq(parts);
	}

	private Expr value(JsonNode value) {
		if (value.isContainer()) {
			return container(value);
		}
		if (value.isString()) {
			return texts(List.of(value.stringValue()));
		}
		return Expr.literals(value.isNumber() ? List.of(number(value)) : words(value.toString()));
	}

	/** A key that is known, with its colon. */
	Expr key(String name) {
		boolean bare = this.notation.style() == Notation.Style.QUOTED && UNQUOTED_KEY.matcher(name).matches();
		return bare ? Expr.literal(name + ":") : Expr.seq(texts(List.of(name)), Expr.literal(":"));
	}

	private static String quoted(String text) {
		return StringNode.valueOf(text).toString();
	}

}
