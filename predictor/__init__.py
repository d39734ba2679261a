from predictor.environment import set_up_libraries

set_up_libraries()
