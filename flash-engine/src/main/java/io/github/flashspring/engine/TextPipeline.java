package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.text.OutputEvent;
import io.github.flashspring.engine.text.OutputParser;
import io.github.flashspring.engine.text.StreamDecoder;

/**
 * Turns generated tokens into events: decodes them, distinguishes answer, reasoning and
 * tool calls, and looks for stop sequences in the answer. One instance serves one
 * generation.
 */
final class TextPipeline {

	private final @Nullable StreamDecoder decoder;

	private final StopSequences stops;

	/** Ids of the stop sequences that are special tokens, which give no text. */
	private final Set<Integer> stopTokens = new HashSet<>();

	private final OutputParser parser;

	private boolean stopped;

	private boolean toolCalls;

	/**
	 * Makes a pipeline.
	 * @param decoder null: tokens give no text
	 * @param stopSequences texts that end the generation: text of the answer, or the text
	 * of one special token
	 * @param parser reads what the model says
	 */
	TextPipeline(@Nullable StreamDecoder decoder, List<String> stopSequences, OutputParser parser) {
		this.decoder = decoder;
		this.stops = new StopSequences(stopSequences);
		this.parser = parser;
		if (decoder != null) {
			stopSequences.forEach((text) -> decoder.specialToken(text).ifPresent(this.stopTokens::add));
		}
	}

	List<GenerationEvent> append(int token) {
		if (this.stopped) {
			return List.of();
		}
		if (this.stopTokens.contains(token)) {
			List<GenerationEvent> last = flush();
			this.stopped = true;
			return last;
		}
		return events(this.parser.append((this.decoder != null) ? this.decoder.append(token) : ""));
	}

	/**
	 * Ends the answer where the model ended it.
	 * @return what was held back
	 */
	List<GenerationEvent> flush() {
		return end(OutputParser::flush);
	}

	/**
	 * Ends the answer where it was cut off although the model would have gone on.
	 * @return what was held back
	 */
	List<GenerationEvent> cut() {
		return end(OutputParser::cut);
	}

	private List<GenerationEvent> end(Function<OutputParser, List<OutputEvent>> how) {
		if (this.stopped) {
			return List.of();
		}
		List<OutputEvent> rest = new ArrayList<>(
				this.parser.append((this.decoder != null) ? this.decoder.flush() : ""));
		rest.addAll(how.apply(this.parser));
		List<GenerationEvent> last = events(rest);
		addText(this.stops.flush(), last);
		return last;
	}

	private List<GenerationEvent> events(List<OutputEvent> parsed) {
		List<GenerationEvent> events = new ArrayList<>(parsed.size());
		for (OutputEvent event : parsed) {
			switch (event) {
				case OutputEvent.Text text -> addText(this.stops.append(text.text()), events);
				case OutputEvent.Reasoning reasoning -> {
					addText(this.stops.flush(), events);
					events.add(new GenerationEvent.Reasoning(reasoning.text()));
				}
				case OutputEvent.ToolCalled called -> {
					addText(this.stops.flush(), events);
					this.toolCalls = true;
					events.add(new GenerationEvent.ToolCalled(called.call()));
				}
			}
			if (this.stops.found()) {
				this.stopped = true;
				break;
			}
		}
		return events;
	}

	private static void addText(String text, List<GenerationEvent> to) {
		if (!text.isEmpty()) {
			to.add(new GenerationEvent.Text(text));
		}
	}

	boolean isStopped() {
		return this.stopped;
	}

	boolean hasToolCalls() {
		return this.toolCalls;
	}

}
