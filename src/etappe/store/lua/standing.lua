-- Put before the scripts that hold Redis against what its caller knows of it: see marks.py. The generation is the first
-- 28 characters of a mark; of two marks of one generation the larger text is the newer.
local function of_one_generation(mark, other)
  return string.sub(mark, 1, 28) == string.sub(other, 1, 28)
end

-- Whether a mark is of the generation of the least that is asked for, and no older; '' asks for none.
local function stands(mark, least)
  return least == '' or of_one_generation(mark, least) and mark >= least
end
