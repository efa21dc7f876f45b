package io.github.flashspring.engine;

import java.util.List;

import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.tokenizer.StreamDecoder;

/**
 * Turns generated tokens into events: decodes them, looks for stop sequences, and tells
 * answer, reasoning and tool calls apart. One instance serves one generation.
 */
final class TextPipeline {

	private final Decoding decoding;

	private final StopSequences stops;

	private TextPipeline(Decoding decoding, StopSequences stops) {
		this.decoding = decoding;
		this.stops = stops;
	}

	static TextPipeline of(StreamDecoder decoder, List<String> stopSequences) {
		return new TextPipeline(new Decoding() {

			@Override
			public String append(int token) {
				return decoder.append(token);
			}

			@Override
			public String flush() {
				return decoder.flush();
			}

		}, new StopSequences(stopSequences));
	}

	/** Tokens give no text. */
	static TextPipeline withoutTokenizer() {
		return new TextPipeline(new Decoding() {

			@Override
			public String append(int token) {
				return "";
			}

			@Override
			public String flush() {
				return "";
			}

		}, new StopSequences(List.of()));
	}

	List<GenerationEvent> append(int token) {
		return events(this.stops.append(this.decoding.append(token)));
	}

	List<GenerationEvent> flush() {
		return events(this.stops.append(this.decoding.flush()) + this.stops.flush());
	}

	private static List<GenerationEvent> events(String text) {
		return text.isEmpty() ? List.of() : List.of(new GenerationEvent.Text(text));
	}

	boolean isStopped() {
		return this.stops.found();
	}

	boolean hasToolCalls() {
		return false;
	}

	/** From tokens to text. */
	private interface Decoding {

		String append(int token);

		String flush();

	}

}
