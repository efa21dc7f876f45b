package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.jinja.Statement.FilterCall;
import io.github.flashspring.jinja.Statement.Signature;
import io.github.flashspring.jinja.Statement.Target;
import io.github.flashspring.jinja.Token.Type;

import org.jspecify.annotations.Nullable;

/**
 * Turns tokens into statements, after the grammar that Jinja's template designer
 * documentation describes. Tags that would load another template are errors.
 */
final class Parser {

	private static final int MAX_NESTED = 100;

	private final TokenStream tokens;

	private final ExpressionParser expressions;

	private final List<String> openTags = new ArrayList<>();

	private int loops;

	private Parser(TokenStream tokens) {
		this.tokens = tokens;
		this.expressions = new ExpressionParser(tokens);
	}

	static List<Statement> parse(String source) {
		Parser parser = new Parser(new TokenStream(Lexer.tokenize(source)));
		return parser.statements(List.of());
	}

	/**
	 * Reads up to one of these tags, whose name is then the current token; to the end of
	 * the template if there are none.
	 */
	private List<Statement> statements(List<String> endTags) {
		if (this.openTags.size() > MAX_NESTED) {
			throw this.tokens.error("tags are nested more than " + MAX_NESTED + " levels deep");
		}
		List<Statement> statements = new ArrayList<>();
		while (true) {
			Token token = this.tokens.current();
			switch (token.type()) {
				case DATA -> {
					this.tokens.next();
					statements.add(new Statement.Text(token.text(), token.line()));
				}
				case PRINT_BEGIN -> {
					this.tokens.next();
					statements.add(new Statement.Print(this.expressions.tuple(true), token.line()));
					this.tokens.expect(Type.PRINT_END);
				}
				case BLOCK_BEGIN -> {
					this.tokens.next();
					Token tag = this.tokens.current();
					if (tag.type() != Type.NAME) {
						throw this.tokens.error("tag name expected");
					}
					if (endTags.contains(tag.text())) {
						return List.copyOf(statements);
					}
					statements.add(statement(tag));
					this.tokens.expect(Type.BLOCK_END);
				}
				case END -> {
					if (!endTags.isEmpty()) {
						throw this.tokens.error("unexpected end of template: '" + this.openTags.getLast()
								+ "' lacks its '" + endTags.getLast() + "'");
					}
					return List.copyOf(statements);
				}
				default -> throw this.tokens.error("unexpected " + token.describe());
			}
		}
	}

	private List<Statement> body(String tag, String... endTags) {
		this.tokens.expect(Type.BLOCK_END);
		this.openTags.add(tag);
		List<Statement> body = statements(List.of(endTags));
		this.openTags.removeLast();
		return body;
	}

	private List<Statement> bodyToEnd(String tag) {
		List<Statement> body = body(tag, "end" + tag);
		this.tokens.next();
		return body;
	}

	/**
	 * A body that {@code break} and {@code continue} cannot leave.
	 */
	private List<Statement> closedBody(String tag) {
		int outerLoops = this.loops;
		this.loops = 0;
		List<Statement> body = bodyToEnd(tag);
		this.loops = outerLoops;
		return body;
	}

	private Statement statement(Token tag) {
		this.tokens.next();
		int line = tag.line();
		return switch (tag.text()) {
			case "if" -> ifStatement(line);
			case "for" -> forStatement(line);
			case "set" -> setStatement(line);
			case "with" -> withStatement(line);
			case "macro" -> new Statement.MacroDefinition(macro(), line);
			case "call" -> callStatement(line);
			case "filter" -> new Statement.FilterBlock(this.expressions.filterChain(), closedBody("filter"), line);
			case "generation" -> new Statement.Scoped(closedBody("generation"), line);
			case "break", "continue" -> {
				if (this.loops == 0) {
					throw this.tokens.error("'" + tag.text() + "' outside of a loop");
				}
				yield new Statement.Jump(tag.text().equals("break"), line);
			}
			case "extends", "include", "import", "from", "block" -> throw new JinjaException(JinjaException.Kind.SYNTAX,
					"tag '" + tag.text() + "' is not offered: a chat template must stand alone", line);
			default -> throw new JinjaException(JinjaException.Kind.SYNTAX,
					this.openTags.isEmpty() ? "unknown tag '" + tag.text() + "'"
							: "unknown tag '" + tag.text() + "' inside of '" + this.openTags.getLast() + "'",
					line);
		};
	}

	private Statement ifStatement(int line) {
		List<Expression> conditions = new ArrayList<>();
		List<List<Statement>> branches = new ArrayList<>();
		List<Statement> otherwise = List.of();
		conditions.add(this.expressions.tuple(false));
		while (true) {
			branches.add(body("if", "elif", "else", "endif"));
			Token end = this.tokens.next();
			if (end.isName("elif")) {
				conditions.add(this.expressions.tuple(false));
				continue;
			}
			if (end.isName("else")) {
				otherwise = bodyToEnd("if");
			}
			return new Statement.If(List.copyOf(conditions), List.copyOf(branches), otherwise, line);
		}
	}

	private Statement forStatement(int line) {
		Target target = target(false);
		this.tokens.expectName("in");
		Expression items = this.expressions.tuple(false);
		Expression condition = this.tokens.skipName("if") ? this.expressions.expression() : null;
		boolean recursive = this.tokens.skipName("recursive");
		this.loops++;
		List<Statement> body = body("for", "else", "endfor");
		this.loops--;
		List<Statement> otherwise = this.tokens.next().isName("else") ? bodyToEnd("for") : List.of();
		return new Statement.For(target, items, condition, body, otherwise, recursive, line);
	}

	private Statement setStatement(int line) {
		Target target = target(true);
		if (this.tokens.skipOperator("=")) {
			return new Statement.Set(target, this.expressions.tuple(true), line);
		}
		List<FilterCall> filters = this.tokens.current().isOperator("|") ? this.expressions.pipedFilters() : List.of();
		return new Statement.SetBlock(target, filters, bodyToEnd("set"), line);
	}

	private Statement withStatement(int line) {
		List<Target> targets = new ArrayList<>();
		List<Expression> values = new ArrayList<>();
		while (this.tokens.current().type() != Type.BLOCK_END) {
			if (!targets.isEmpty()) {
				this.tokens.expectOperator(",");
			}
			targets.add(oneTarget(false));
			this.tokens.expectOperator("=");
			values.add(this.expressions.expression());
		}
		return new Statement.With(targets, values, bodyToEnd("with"), line);
	}

	private Statement callStatement(int line) {
		NameScan scan = this.expressions.beginScan();
		List<String> parameters = new ArrayList<>();
		List<Expression> defaults = new ArrayList<>();
		if (this.tokens.current().isOperator("(")) {
			parameters(parameters, defaults);
		}
		if (!(this.expressions.expression() instanceof Expression.Call call)) {
			throw new JinjaException(JinjaException.Kind.SYNTAX, "expected call", line);
		}
		List<Statement> body = closedBody("call");
		return new Statement.CallBlock(signature("caller", parameters, defaults, body, scan), call, line);
	}

	private Signature macro() {
		String name = this.tokens.expect(Type.NAME).text();
		NameScan scan = this.expressions.beginScan();
		List<String> parameters = new ArrayList<>();
		List<Expression> defaults = new ArrayList<>();
		parameters(parameters, defaults);
		return signature(name, parameters, defaults, closedBody("macro"), scan);
	}

	private Signature signature(String name, List<String> parameters, List<Expression> defaults, List<Statement> body,
			NameScan scan) {
		java.util.Set<String> used = this.expressions.endScan(scan);
		return new Signature(name, List.copyOf(parameters), List.copyOf(defaults), body, used.contains("varargs"),
				used.contains("kwargs"), used.contains("caller"));
	}

	private void parameters(List<String> parameters, List<Expression> defaults) {
		this.tokens.expectOperator("(");
		while (!this.tokens.skipOperator(")")) {
			if (!parameters.isEmpty()) {
				this.tokens.expectOperator(",");
			}
			parameters.add(assignable(this.tokens.expect(Type.NAME)));
			if (this.tokens.skipOperator("=")) {
				defaults.add(this.expressions.expression());
			}
			else if (!defaults.isEmpty()) {
				throw this.tokens.error("non-default argument follows default argument");
			}
		}
	}

	private Target target(boolean orNamespace) {
		Target first = oneTarget(orNamespace);
		if (!this.tokens.current().isOperator(",")) {
			return first;
		}
		List<Target> targets = new ArrayList<>(List.of(first));
		while (this.tokens.skipOperator(",")) {
			Token token = this.tokens.current();
			if (token.isOperator("=") || token.isOperator(")") || token.isName("in")) {
				break;
			}
			targets.add(oneTarget(orNamespace));
		}
		return new Target.Several(List.copyOf(targets));
	}

	private Target oneTarget(boolean orNamespace) {
		if (this.tokens.skipOperator("(")) {
			Target target = target(orNamespace);
			this.tokens.expectOperator(")");
			return target;
		}
		String name = assignable(this.tokens.expect(Type.NAME));
		if (orNamespace && this.tokens.skipOperator(".")) {
			return new Target.NamespaceAttribute(name, this.tokens.expect(Type.NAME).text());
		}
		return new Target.Variable(name);
	}

	private String assignable(Token name) {
		return switch (name.text()) {
			case "true", "True", "false", "False", "none", "None" ->
				throw this.tokens.error("cannot assign to '" + name.text() + "'");
			default -> name.text();
		};
	}

	/**
	 * Collects the names that a macro's body reads.
	 *
	 * @param names the names
	 * @param outer the scan of the enclosing macro
	 */
	record NameScan(java.util.Set<String> names, @Nullable NameScan outer) {

	}

}
