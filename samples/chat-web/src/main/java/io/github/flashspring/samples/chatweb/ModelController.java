package io.github.flashspring.samples.chatweb;

import java.nio.file.Path;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * Tells which model answers, and what it holds in memory at this moment.
 */
@RestController
class ModelController {

	private final FlashEngine engine;

	ModelController(FlashEngine engine) {
		this.engine = engine;
	}

	@GetMapping("/api/model")
	ModelStatus model() {
		ModelInfo model = this.engine.model();
		return new ModelStatus(Path.of(model.id()).getFileName().toString(), model, this.engine.snapshot());
	}

	record ModelStatus(String name, ModelInfo model, EngineSnapshot now) {

	}

}
