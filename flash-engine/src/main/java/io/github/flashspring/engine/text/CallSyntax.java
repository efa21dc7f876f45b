package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * How a model writes calls of tools, for whoever forces it to. Texts have places for
 * {@code NAME} and {@code ARGUMENTS}, and where the model numbers its calls for
 * {@code INDEX} or {@code ID}.
 *
 * @param forms the ways to write calls, the usual one first
 * @param parameter an argument, with places for {@code NAME} and {@code VALUE}, and where
 * the model says its type for {@code TYPE} or {@code ISSTRING}; empty: arguments are one
 * JSON object
 * @param parameterSeparator between arguments
 * @param values how values of arguments are written
 * @param quote what opens strings instead of a quotation mark; empty: nothing does
 * @param tags texts that no value may contain
 * @param markers texts of the format that are special tokens in some models
 * @param address what a message to the user begins with, where the prompt ends with the
 * opener of the first form; empty: the prompt does not
 */
public record CallSyntax(List<Form> forms, String parameter, String parameterSeparator, Values values, String quote,
		List<String> tags, List<String> markers, String address) {

	private static final int MAX_NAME = 200;

	private static final Pattern TOOL_NAME = Pattern.compile("[^\\s<>{}\\[\\]()\"'`,;:=|]+");

	private static final Pattern PARAMETER_NAME = Pattern.compile("(?![\\s])[^\\p{Cntrl}<>\"]+(?<![\\s])");

	private static final Pattern PYTHON_NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{Nd}._-]*");

	public CallSyntax {
		forms = List.copyOf(forms);
		tags = List.copyOf(tags);
		markers = List.copyOf(markers);
	}

	/**
	 * A syntax in which arguments are one JSON object.
	 * @param form how calls are written
	 * @param markers texts in it that are special tokens in some models
	 * @return the syntax
	 */
	public static CallSyntax json(Form form, List<String> markers) {
		return new CallSyntax(List.of(form), "", "", Values.JSON, "", List.of(), markers, "");
	}

	/**
	 * The syntax of a format.
	 * @param format how a model writes calls
	 * @param prompt what the model continues
	 * @return the syntax; null: calls cannot be forced
	 */
	static @Nullable CallSyntax of(ToolFormat format, String prompt) {
		ToolWriting writing = format.writing();
		ToolSyntax syntax = format.syntax();
		if (syntax.kind() == ToolSyntax.Kind.ELEMENTS) {
			return null;
		}
		List<String> markers = syntax.markers()
			.stream()
			.sorted(Comparator.comparingInt(String::length).reversed())
			.toList();
		List<Form> forms = format.writings().stream().flatMap((each) -> forms(syntax, each, markers).stream()).toList();
		ToolSyntax.Tags tags = syntax.tags();
		// others are special tokens in the midst of tags
		List<String> tokens = markers.stream()
			.filter((marker) -> syntax.others()
				.stream()
				.noneMatch((other) -> marker.contains(other) && !marker.equals(other)))
			.toList();
		return new CallSyntax(forms, writing.parameter(), writing.parameterSeparator(), values(syntax, writing),
				syntax.quote(),
				(tags == null) ? List.of() : List.of(tags.parameterEnd(), tags.parameterBegin(), syntax.callBegin()),
				tokens, address(format, forms.getFirst().opener(), prompt));
	}

	private static List<Form> forms(ToolSyntax syntax, ToolWriting writing, List<String> markers) {
		String first = writing.begin() + writing.call();
		String opener = markers.stream().filter(first::startsWith).findFirst().orElse("");
		List<Form> forms = new ArrayList<>();
		forms.add(new Form(writing.begin(), writing.call(), writing.separator(), writing.end(), opener, true));
		boolean xml = syntax.kind() == ToolSyntax.Kind.XML;
		if (opener.isEmpty() && xml) {
			int inner = writing.call().indexOf(syntax.begin());
			forms.add(new Form("", writing.call().substring(inner),
					writing.separator() + writing.call().substring(0, inner), "", syntax.begin(), false));
		}
		else if (opener.isEmpty()) {
			String tag = syntax.openers().getFirst();
			forms.add(new Form(tag + writing.begin(), writing.call(), writing.separator(), writing.end() + syntax.end(),
					tag, true));
		}
		int bare = xml ? writing.call().indexOf(syntax.callBegin()) : -1;
		if (bare >= 0 && !opener.equals(syntax.callBegin())) {
			int end = writing.call().indexOf(syntax.callEnd()) + syntax.callEnd().length();
			boolean usual = syntax == ToolFormat.XML.syntax();
			forms.add(new Form("", writing.call().substring(bare, end), "\n", "", syntax.callBegin(), usual));
		}
		return forms;
	}

	private static String address(ToolFormat format, String opener, String prompt) {
		return format.silent()
			.stream()
			.filter((silent) -> !opener.isEmpty() && silent.startsWith(opener) && prompt.endsWith(opener))
			.map((silent) -> silent.substring(opener.length()))
			.findFirst()
			.orElse("");
	}

	private static Values values(ToolSyntax syntax, ToolWriting writing) {
		if (writing.parameter().isEmpty()) {
			return Values.JSON;
		}
		return switch (syntax.kind()) {
			case PYTHON -> Values.PYTHON;
			case NAMED -> Values.QUOTED;
			default -> (writing.parameter().contains("TYPE") || writing.parameter().contains("ISSTRING")) ? Values.TYPED
					: Values.TEXT;
		};
	}

	/**
	 * Whether a call of a tool can be written so that it is read again.
	 * @param tool the tool's name
	 * @return whether it can
	 */
	public boolean canName(String tool) {
		if (tool.length() > MAX_NAME) {
			return false;
		}
		if (this.values == Values.PYTHON) {
			return PYTHON_NAME.matcher(tool).matches();
		}
		boolean quoted = this.forms.getFirst().call().contains("\"NAME\"") && this.values == Values.JSON;
		return quoted || TOOL_NAME.matcher(tool).matches();
	}

	/**
	 * Whether an argument can be written so that it is read again.
	 * @param parameter its name
	 * @return whether it can
	 */
	public boolean canNameParameter(String parameter) {
		return switch (this.values) {
			case JSON, QUOTED -> true;
			case PYTHON -> parameter.length() <= MAX_NAME && PYTHON_NAME.matcher(parameter).matches();
			case TEXT, TYPED -> parameter.length() <= MAX_NAME && PARAMETER_NAME.matcher(parameter).matches();
		};
	}

	/**
	 * The types that a reader of calls gives to an argument, whose value is written
	 * without quotes, where the value can have them.
	 * @param tool the tool
	 * @param parameter the argument's name
	 * @return types as JSON Schema names them; empty: any
	 */
	public static Set<String> types(ToolDefinition tool, String parameter) {
		return new ToolCallReader(List.of(tool), () -> "").types(tool.name(), parameter);
	}

	/** How values of arguments are written. */
	public enum Values {

		/** As JSON. */
		JSON,
		/** Strings as they are, others as JSON; the tool's schema tells which it is. */
		TEXT,
		/** Strings as they are, others as JSON, and the call tells which it is. */
		TYPED,
		/** As literals of Python. */
		PYTHON,
		/** As JSON with keys that have no quotes, and tags around strings. */
		QUOTED

	}

	/**
	 * A way to write calls.
	 *
	 * @param begin before the first call
	 * @param call a call
	 * @param separator between calls, with what of the next one stands before
	 * {@code call}
	 * @param end behind the last call
	 * @param opener what begin and call together start with, and what nothing but a call
	 * starts with; empty: calls begin a line with what stands before the tool's name
	 * @param usual whether a model that must call a tool writes it so
	 */
	public record Form(String begin, String call, String separator, String end, String opener, boolean usual) {

	}

}
