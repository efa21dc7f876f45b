package io.github.flashspring.chat;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorAutoRegistrationIT;

/**
 * Spring AI's contract for tools, when the advisor comes by itself.
 */
class FlashToolCallingAdvisorAutoRegistrationTests extends AbstractToolCallingAdvisorAutoRegistrationIT {

	@Override
	protected ChatModel getChatModel() {
		return FlashChatModel.builder(ScriptedEngine.forecaster()).build();
	}

}
