package io.github.flashspring.engine.metrics;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What happened when during some passes: reads, compute and waits, as spans on tracks. It
 * keeps the first spans up to a number. Safe for use by several threads.
 */
public final class Timeline {

	private final int capacity;

	private final List<Span> spans = new ArrayList<>();

	/**
	 * An empty timeline.
	 * @param capacity most spans that it keeps
	 */
	public Timeline(int capacity) {
		this.capacity = capacity;
	}

	/**
	 * Adds a span.
	 * @param track whose span it is, such as the name of a thread
	 * @param name what happened
	 * @param startNanos when it began, of {@link System#nanoTime}
	 * @param endNanos when it ended
	 * @param bytes bytes that were moved, or 0
	 */
	public synchronized void add(String track, String name, long startNanos, long endNanos, long bytes) {
		if (this.spans.size() < this.capacity) {
			this.spans.add(new Span(track, name, startNanos, endNanos, bytes));
		}
	}

	/**
	 * What was recorded.
	 * @return the spans in the order in which they ended
	 */
	public synchronized List<Span> spans() {
		return List.copyOf(this.spans);
	}

	/**
	 * Writes the trace event format that Chrome's {@code about:tracing} and Perfetto
	 * show.
	 * @param out receives JSON
	 * @throws IOException if it cannot be written
	 * @see <a href=
	 * "https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU">Trace
	 * Event Format</a>
	 */
	public void writeChromeTrace(Appendable out) throws IOException {
		List<Span> written = spans();
		long origin = written.stream().mapToLong(Span::startNanos).min().orElse(0);
		Map<String, Integer> tracks = new LinkedHashMap<>();
		out.append("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
		String separator = "\n";
		for (Span span : written) {
			Integer track = tracks.get(span.track());
			if (track == null) {
				track = tracks.size() + 1;
				tracks.put(span.track(), track);
				out.append(separator)
					.append("{\"ph\":\"M\",\"pid\":1,\"tid\":" + track
							+ ",\"name\":\"thread_name\",\"args\":{\"name\":")
					.append(quote(span.track()))
					.append("}}");
				separator = ",\n";
			}
			out.append(separator)
				.append(String.format(Locale.ROOT,
						"{\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"name\":", track,
						(span.startNanos() - origin) / 1e3, (span.endNanos() - span.startNanos()) / 1e3))
				.append(quote(span.name()))
				.append((span.bytes() > 0) ? ",\"args\":{\"bytes\":" + span.bytes() + "}}" : "}");
		}
		out.append("\n]}\n");
	}

	private static String quote(String text) {
		StringBuilder quoted = new StringBuilder("\"");
		for (char c : text.toCharArray()) {
			if (c == '"' || c == '\\') {
				quoted.append('\\').append(c);
			}
			else if (c < ' ') {
				quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
			}
			else {
				quoted.append(c);
			}
		}
		return quoted.append('"').toString();
	}

	/**
	 * Something that took time.
	 *
	 * @param track whose span it is
	 * @param name what happened
	 * @param startNanos when it began, of {@link System#nanoTime}
	 * @param endNanos when it ended
	 * @param bytes bytes that were moved, or 0
	 */
	public record Span(String track, String name, long startNanos, long endNanos, long bytes) {

	}

}
