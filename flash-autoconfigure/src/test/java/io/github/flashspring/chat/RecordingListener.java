package io.github.flashspring.chat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * Writes down what it hears.
 */
class RecordingListener implements GenerationListener {

	final List<String> heard = new CopyOnWriteArrayList<>();

	@Override
	public void onFinish(FinishReason reason, Usage usage) {
		this.heard.add("finished %s %d".formatted(reason, usage.completionTokens()));
	}

	@Override
	public void onFailure(Throwable failure) {
		this.heard.add("failed " + failure.getMessage());
	}

	@Override
	public void onCancel() {
		this.heard.add("cancelled");
	}

}
