package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.tokenizer.OutputEvent;
import io.github.flashspring.engine.tokenizer.OutputParser;
import io.github.flashspring.engine.tokenizer.StreamDecoder;

/**
 * Turns generated tokens into events: decodes them, looks for stop sequences, and tells
 * answer, reasoning and tool calls apart. One instance serves one generation.
 */
final class TextPipeline {

	private final @Nullable StreamDecoder decoder;

	private final StopSequences stops;

	private final OutputParser parser;

	private boolean toolCalls;

	/**
	 * Makes a pipeline.
	 * @param decoder null: tokens give no text
	 * @param stopSequences texts that end the generation
	 * @param parser reads what the model says
	 */
	TextPipeline(@Nullable StreamDecoder decoder, List<String> stopSequences, OutputParser parser) {
		this.decoder = decoder;
		this.stops = new StopSequences(stopSequences);
		this.parser = parser;
	}

	List<GenerationEvent> append(int token) {
		String text = (this.decoder != null) ? this.decoder.append(token) : "";
		return events(this.parser.append(this.stops.append(text)));
	}

	List<GenerationEvent> flush() {
		String rest = (this.decoder != null) ? this.decoder.flush() : "";
		List<OutputEvent> last = new ArrayList<>(this.parser.append(this.stops.append(rest) + this.stops.flush()));
		last.addAll(this.parser.flush());
		return events(last);
	}

	private List<GenerationEvent> events(List<OutputEvent> parsed) {
		List<GenerationEvent> events = new ArrayList<>(parsed.size());
		for (OutputEvent event : parsed) {
			switch (event) {
				case OutputEvent.Text text -> events.add(new GenerationEvent.Text(text.text()));
				case OutputEvent.Reasoning reasoning -> events.add(new GenerationEvent.Reasoning(reasoning.text()));
				case OutputEvent.ToolCalled called -> {
					this.toolCalls = true;
					events.add(new GenerationEvent.ToolCalled(called.call()));
				}
			}
		}
		return events;
	}

	boolean isStopped() {
		return this.stops.found();
	}

	boolean hasToolCalls() {
		return this.toolCalls;
	}

}
