package io.github.flashspring.chat;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.prompt.Prompt;

import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@link FlashChatModel} with a Modelfile below its options.
 */
class ModelfileChatTests {

	@Test
	void modelfileHoldsWhereOptionsAreNotSet() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		String text = """
				FROM m
				SYSTEM Be kind.
				MESSAGE user a
				MESSAGE assistant b
				PARAMETER num_predict 7
				PARAMETER stop END
				PARAMETER temperature 0.5
				PARAMETER top_k 9
				""";
		ModelfileSettings modelfile = ModelfileSettings
			.of(Modelfile.parse(text.getBytes(StandardCharsets.UTF_8), "Modelfile"), null);
		FlashChatModel.builder(engine)
			.modelfile(modelfile)
			.build()
			.call(new Prompt("Hi", FlashChatOptions.builder().temperature(0.25).build()));
		GenerationRequest request = engine.requests.getFirst();
		assertThat(((Chat) request.prompt()).messages()).containsExactly(ChatMessage.system("Be kind."),
				ChatMessage.user("a"), ChatMessage.assistant("b"), ChatMessage.user("Hi"));
		assertThat(request.maxTokens()).isEqualTo(7);
		assertThat(request.stopSequences()).containsExactly("END");
		Sampling sampling = Objects.requireNonNull(request.sampling());
		assertThat(sampling.temperature()).isEqualTo(0.25f);
		assertThat(sampling.topK()).isEqualTo(9);
	}

}
