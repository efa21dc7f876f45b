package io.github.flashspring.engine.text;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

/**
 * Answers of gpt-oss, which are several messages, each with a header that names its
 * channel and optionally a tool that it goes to (OpenAI's harmony format):
 * {@code <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…}.
 * What goes to a tool is a call, the channel {@code final} is the answer, and the others
 * are reasoning.
 */
final class HarmonyOutput extends SteppedOutput {

	private static final String START = "<|start|>";

	private static final String CHANNEL = "<|channel|>";

	private static final String CONSTRAIN = "<|constrain|>";

	private static final String MESSAGE = "<|message|>";

	private static final String CALL = "<|call|>";

	/** What may stand behind a message. */
	private static final List<String> ENDS = List.of("<|end|>", CALL, "<|return|>", START, CHANNEL);

	private static final Pattern HEADER = Pattern.compile("\\s*+(?:<\\|start\\|>)?+\\s*+(?:assistant\\b)?+"
			+ "(?:\\s*+(?:to=[^\\s<]++|<\\|(?:channel|constrain)\\|>\\s*+[\\w./+-]*+|json\\b|code\\b))*+\\s*+"
			+ "<\\|message\\|>");

	private static final Pattern NAMED_CHANNEL = Pattern.compile("<\\|channel\\|>\\s*(\\w+)");

	private static final Pattern RECIPIENT = Pattern.compile("\\bto=(?:functions\\.)?([\\w.-]+)");

	private static final Pattern FUNCTION = Pattern.compile("\\bto=functions\\.");

	/** Longer headers are none. */
	private static final int MAX_HEADER = 300;

	private final ToolCallReader reader;

	private final boolean tools;

	/** The header of the message that comes, null before and between messages. */
	private @Nullable String header;

	/** From where in the pending text the end of a call is still to be looked for. */
	private int searched;

	/** Whether reasoning came in an earlier message. */
	private boolean thought;

	/** Whether a blank line is owed before more reasoning. */
	private boolean apart;

	/**
	 * A parser.
	 * @param prompt the prompt; its last message may already have begun
	 * @param reader reads arguments
	 * @param tools whether the model was given tools
	 */
	HarmonyOutput(String prompt, ToolCallReader reader, boolean tools) {
		this.reader = reader;
		this.tools = tools;
		int start = prompt.lastIndexOf(START);
		int message = prompt.lastIndexOf(MESSAGE);
		if (start >= 0 && message > start) {
			this.header = prompt.substring(start, message);
		}
	}

	/**
	 * Whether a model writes this format.
	 * @param template the model's template
	 * @return whether its messages have channels
	 */
	static boolean isFormatOf(ChatTemplate template) {
		return template.mentions(CHANNEL) && template.mentions(MESSAGE);
	}

	@Override
	public Set<String> markers() {
		Set<String> markers = new LinkedHashSet<>(ENDS);
		markers.addAll(List.of(CONSTRAIN, MESSAGE));
		return markers;
	}

	@Override
	protected boolean step(boolean last) {
		String current = this.header;
		if (current == null) {
			return header(last);
		}
		return isCall(current) ? call(current, last) : message(current, last);
	}

	/** Reads what stands before a message. */
	private boolean header(boolean last) {
		if (this.pending.isEmpty()) {
			return false;
		}
		int limit = Math.min(this.pending.length(), MAX_HEADER);
		Matcher begun = HEADER.matcher(this.pending).region(0, limit);
		if (begun.lookingAt()) {
			open(this.pending.substring(0, begun.end() - MESSAGE.length()), begun.end());
			return true;
		}
		if (begun.hitEnd() && limit == this.pending.length() && !last) {
			return false;
		}
		// the model forgot its format, or stopped within it: then this is text
		open(CHANNEL + "final", 0);
		for (String tag : List.of(START, CHANNEL)) {
			if (this.pending.indexOf(tag) == 0) {
				tell(tag, true);
				this.pending.delete(0, tag.length());
				break;
			}
		}
		return true;
	}

	private void open(String newHeader, int length) {
		this.pending.delete(0, length);
		this.header = newHeader;
		this.searched = 0;
		this.apart = this.thought;
	}

	private boolean isCall(String current) {
		Matcher recipient = RECIPIENT.matcher(current);
		return this.tools && recipient.find()
				&& (FUNCTION.matcher(current).find() || this.reader.knows(recipient.group(1)));
	}

	private static boolean isAnswer(String current) {
		Matcher channel = NAMED_CHANNEL.matcher(current);
		return !channel.find() || channel.group(1).equals("final");
	}

	/** A call is told whole. */
	private boolean call(String current, boolean last) {
		int end = end(this.searched);
		if (end < 0 && !last) {
			this.searched = Math.max(this.searched, this.pending.length() - held());
			return false;
		}
		String arguments = this.pending.substring(0, (end < 0) ? this.pending.length() : end);
		Matcher recipient = RECIPIENT.matcher(current);
		ObjectNode read = arguments(arguments, end >= 0);
		ToolCall call = (recipient.find() && read != null) ? this.reader.call(recipient.group(1), null, read) : null;
		if (call != null) {
			this.events.add(new OutputEvent.ToolCalled(call));
		}
		else {
			this.events.add(new OutputEvent.Text(current + MESSAGE + arguments));
		}
		close(arguments.length());
		return true;
	}

	/**
	 * The arguments of a call, null if they are none. Brackets may be missing only if the
	 * model ended the call.
	 */
	private @Nullable ObjectNode arguments(String written, boolean ended) {
		if (written.isBlank()) {
			return this.wasCut ? null : ModelFiles.JSON.createObjectNode();
		}
		String end = ended ? CALL : "";
		LenientJson json = new LenientJson(0, end, "");
		int behind = json.read(written + end, true);
		boolean whole = behind >= 0
				&& written.substring(Math.min(behind, written.length())).chars().allMatch(HarmonyOutput::mayFollow);
		return (whole && json.value() instanceof ObjectNode object) ? object : null;
	}

	private static boolean mayFollow(int character) {
		return Character.isWhitespace(character) || character == '}' || character == ']';
	}

	/** Answer or reasoning is told as it comes. */
	private boolean message(String current, boolean last) {
		int end = end(0);
		int certain = (end >= 0) ? end : this.pending.length() - (last ? 0 : held());
		if (certain > 0) {
			tell(this.pending.substring(0, certain), isAnswer(current));
			this.pending.delete(0, certain);
			return true;
		}
		if (end == 0) {
			close(0);
			return true;
		}
		return false;
	}

	private void tell(String piece, boolean answer) {
		if (answer) {
			this.events.add(new OutputEvent.Text(piece));
			return;
		}
		this.events.add(new OutputEvent.Reasoning(this.apart ? "\n\n" + piece : piece));
		this.apart = false;
		this.thought = true;
	}

	/** Ends a message, and takes its end tag unless that opens the next header. */
	private void close(int length) {
		this.pending.delete(0, length);
		for (String tag : ENDS) {
			if (!tag.equals(START) && !tag.equals(CHANNEL) && this.pending.indexOf(tag) == 0) {
				this.pending.delete(0, tag.length());
				break;
			}
		}
		this.header = null;
	}

	/** Where the message ends, -1 if that is not there yet. */
	private int end(int from) {
		int first = -1;
		for (String tag : ENDS) {
			int at = this.pending.indexOf(tag, from);
			first = (at >= 0 && (first < 0 || at < first)) ? at : first;
		}
		return first;
	}

	/** The length of the longest end of the pending text that begins a tag. */
	private int held() {
		for (int held = Math.min(CONSTRAIN.length(), this.pending.length()); held > 0; held--) {
			String rest = this.pending.substring(this.pending.length() - held);
			if (ENDS.stream().anyMatch((tag) -> tag.length() > rest.length() && tag.startsWith(rest))) {
				return held;
			}
		}
		return 0;
	}

}
